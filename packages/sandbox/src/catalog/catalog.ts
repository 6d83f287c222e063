import { LINODE_IMAGES, type LinodeImage } from "./images.ts";
import { LINODE_TYPES, type LinodeType } from "./instance-types.ts";
import { LINODE_REGIONS, type LinodeRegion } from "./regions.ts";

const typesById = new Map(LINODE_TYPES.map((type) => [type.id, type]));
const regionsById = new Map(LINODE_REGIONS.map((region) => [region.id, region]));
const imagesById = new Map(LINODE_IMAGES.map((image) => [image.id, image]));

/** What can be bought, where, and with what on it. Constant for the life of the process. */
export const catalog = {
  types: LINODE_TYPES,
  regions: LINODE_REGIONS,
  images: LINODE_IMAGES,
  type: (id: string): LinodeType | undefined => typesById.get(id),
  region: (id: string): LinodeRegion | undefined => regionsById.get(id),
  image: (id: string): LinodeImage | undefined => imagesById.get(id),
} as const;
