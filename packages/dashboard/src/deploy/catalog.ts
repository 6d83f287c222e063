import type { Catalog } from "@provost/contract";

export type Plan = Catalog["types"][number];
export type CatalogImage = Catalog["images"][number];

export interface Price {
  monthlyUsd: number | undefined;
  hourlyUsd: number | undefined;
}

/** What a plan costs in a region: some regions have prices of their own. */
export function priceIn(plan: Plan, region: string): Price {
  const own = plan.regionPrices?.[region];
  return {
    monthlyUsd: own?.monthlyUsd ?? plan.monthlyUsd,
    hourlyUsd: own === undefined ? plan.hourlyUsd : own.hourlyUsd,
  };
}

const mbPerGb = 1024;

/** Why a plan cannot be had with this region and image; undefined when it can. */
export function whyNot(plan: Plan, region: string, image: CatalogImage | undefined): string | undefined {
  if (plan.soldOutIn?.includes(region) === true) return `Sold out in ${region} now: choose another region or plan`;
  const { sizeMb } = image ?? {};
  // A disk of 0 is not divided into plans.
  if (sizeMb !== undefined && plan.diskGb > 0 && sizeMb > plan.diskGb * mbPerGb) {
    return `The image needs ${Math.ceil(sizeMb / mbPerGb)} GB, the plan's disk has ${plan.diskGb} GB`;
  }
  return undefined;
}
