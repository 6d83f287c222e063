import { LINODE_TYPES, type LinodeType } from "./instance-types.ts";
import { LINODE_REGIONS, type LinodeRegion } from "./regions.ts";

const typesById = new Map(LINODE_TYPES.map((type) => [type.id, type]));
const regionsById = new Map(LINODE_REGIONS.map((region) => [region.id, region]));

/** What can be bought, and where. Constant for the life of the process; images are not (see `images.ts`). */
export const catalog = {
  types: LINODE_TYPES,
  regions: LINODE_REGIONS,
  type: (id: string): LinodeType | undefined => typesById.get(id),
  region: (id: string): LinodeRegion | undefined => regionsById.get(id),
} as const;
