import type { z } from "zod";
import type { Call, Image, InstanceType, Region } from "../provider.ts";
import { kindOf, sizeOf } from "./baked-images.ts";
import type { LinodeClient } from "./client.ts";
import { pageSize } from "./instances.ts";
import { availabilitySchema, imageSchema, pageOf, regionSchema, typeSchema, type LinodePrice } from "./shapes.ts";

/** A catalog longer than this is cut: no account has so many images. */
const catalogPagesMax = 40;

export async function readRegions(client: LinodeClient, call: Call): Promise<Region[]> {
  const all = await readAll(client, "list regions", "/regions", regionSchema, call);
  return all.map(({ id, label }) => ({ id, label }));
}

/** With where each is sold out: Linode tells that in a list of its own, and of some plans only. */
export async function readTypes(client: LinodeClient, call: Call): Promise<InstanceType[]> {
  const all = await readAll(client, "list types", "/linode/types", typeSchema, call);
  const stock = await readAll(client, "list what regions have", "/regions/availability", availabilitySchema, call);
  const soldOut = Map.groupBy(
    stock.filter(({ available }) => available === false),
    ({ plan }) => plan,
  );
  return all.map((type) => {
    const soldOutIn = (soldOut.get(type.id) ?? []).flatMap(({ region }) =>
      typeof region === "string" ? [region] : [],
    );
    const elsewhere = (type.region_prices ?? []).flatMap(({ id, ...price }) => {
      const { monthlyUsd, ...rest } = pricesOf(price);
      return monthlyUsd === undefined ? [] : [[id, { monthlyUsd, ...rest }] as const];
    });
    return {
      id: type.id,
      label: type.label,
      vcpus: type.vcpus,
      memoryMb: type.memory,
      diskGb: Math.round(type.disk / 1_024),
      ...pricesOf(type.price ?? {}),
      ...(elsewhere.length === 0 ? {} : { regionPrices: Object.fromEntries(elsewhere) }),
      ...(soldOutIn.length === 0 ? {} : { soldOutIn }),
    };
  });
}

function pricesOf({ monthly, hourly }: LinodePrice): { monthlyUsd?: number; hourlyUsd?: number } {
  return {
    ...(typeof monthly === "number" ? { monthlyUsd: monthly } : {}),
    ...(typeof hourly === "number" ? { hourlyUsd: hourly } : {}),
  };
}

/** Those that can be deployed from now. */
export async function readImages(client: LinodeClient, call: Call): Promise<Image[]> {
  const all = await readAll(client, "list images", "/images", imageSchema, call);
  return all
    .filter((image) => image.status === undefined || image.status === null || image.status === "available")
    .map((image) => ({ id: image.id, label: image.label, kind: kindOf(image), ...sizeOf(image) }));
}

async function readAll<T extends z.ZodType>(
  client: LinodeClient,
  what: string,
  path: string,
  item: T,
  call: Call,
): Promise<z.infer<T>[]> {
  const rows: z.infer<T>[] = [];
  for (let page = 1; page <= catalogPagesMax; page += 1) {
    const answer = await client.send(
      { what, reads: true },
      { method: "GET", path, query: { page, page_size: pageSize.max }, call },
      pageOf(item),
    );
    rows.push(...answer.data);
    if (page >= answer.pages) break;
  }
  return rows;
}
