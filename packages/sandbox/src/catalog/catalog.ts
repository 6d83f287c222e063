import { LINODE_TYPES, type LinodeType } from "./instance-types.ts";
import { LINODE_REGIONS, type LinodeRegion } from "./regions.ts";

const typesById = new Map(LINODE_TYPES.map((type) => [type.id, type]));
const regionsById = new Map(LINODE_REGIONS.map((region) => [region.id, region]));

/** Whether a plan is to be had in a region, as `GET /v4/regions/availability` shows it. */
export interface Availability {
  region: string;
  plan: string;
  available: boolean;
}

/** Special hardware is not everywhere; like Linode, the list is of such plans only. */
const homes: Partial<Record<LinodeType["class"], readonly string[]>> = {
  gpu: ["us-east", "us-ord", "ap-south"],
  premium: ["us-east", "us-ord", "nl-ams", "se-sto", "jp-osa", "br-gru"],
};
const AVAILABILITY: readonly Availability[] = LINODE_TYPES.flatMap((type) => {
  const home = homes[type.class];
  if (home === undefined) return [];
  return LINODE_REGIONS.map(({ id }) => ({ region: id, plan: type.id, available: home.includes(id) }));
});
const soldOut = new Set(
  AVAILABILITY.filter(({ available }) => !available).map(({ region, plan }) => `${region} ${plan}`),
);

/** What can be bought, and where. Constant for the life of the process; images are not (see `images.ts`). */
export const catalog = {
  types: LINODE_TYPES,
  regions: LINODE_REGIONS,
  type: (id: string): LinodeType | undefined => typesById.get(id),
  availability: AVAILABILITY,
  isSoldOut: (region: string, plan: string): boolean => soldOut.has(`${region} ${plan}`),
  region: (id: string): LinodeRegion | undefined => regionsById.get(id),
} as const;
