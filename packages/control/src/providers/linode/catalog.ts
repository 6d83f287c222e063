import type { z } from "zod";
import type { Call, Image, InstanceType, Region } from "../provider.ts";
import { kindOf } from "./baked-images.ts";
import type { LinodeClient } from "./client.ts";
import { pageSize } from "./instances.ts";
import { imageSchema, pageOf, regionSchema, typeSchema } from "./shapes.ts";

/** A catalog longer than this is cut: no account has so many images. */
const catalogPagesMax = 40;

export async function readRegions(client: LinodeClient, call: Call): Promise<Region[]> {
  const all = await readAll(client, "list regions", "/regions", regionSchema, call);
  return all.map(({ id, label }) => ({ id, label }));
}

export async function readTypes(client: LinodeClient, call: Call): Promise<InstanceType[]> {
  const all = await readAll(client, "list types", "/linode/types", typeSchema, call);
  return all.map((type) => ({
    id: type.id,
    label: type.label,
    vcpus: type.vcpus,
    memoryMb: type.memory,
    diskGb: Math.round(type.disk / 1_024),
    ...(typeof type.price?.monthly === "number" ? { monthlyUsd: type.price.monthly } : {}),
  }));
}

/** Those that can be deployed from now. */
export async function readImages(client: LinodeClient, call: Call): Promise<Image[]> {
  const all = await readAll(client, "list images", "/images", imageSchema, call);
  return all
    .filter((image) => image.status === undefined || image.status === null || image.status === "available")
    .map((image) => ({ id: image.id, label: image.label, kind: kindOf(image) }));
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
