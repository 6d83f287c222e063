import { z } from "zod";
import type { BakedImage, BakeSpec } from "../baked-image.ts";
import type { Call, Image } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { LinodeClient } from "./client.ts";
import { deploymentTag, instancePath } from "./instance.ts";
import { pageSize } from "./instances.ts";
import { diskSchema, imageSchema, pageOf, type LinodeImage } from "./shapes.ts";

/** In an image's description, beside the deployment's tag: images know tags only since 2024, descriptions always. */
const goldenMark = "provost-golden";

/** Images that Provost makes of an instance's disk (C2). */
export async function bakeImage(client: LinodeClient, id: string, spec: BakeSpec, call: Call): Promise<BakedImage> {
  const diskId = await systemDisk(client, id, call);
  const made = await client.send(
    { what: `make the image ${spec.name} of instance ${id}`, reads: false },
    {
      method: "POST",
      path: "/images",
      body: {
        disk_id: diskId,
        label: spec.name,
        description: [deploymentTag(spec.deployment), ...(spec.golden ? [goldenMark] : [])].join(" "),
        // What lets a create bring user data: the golden image's first-boot service reads it, as cloud-init would.
        ...(spec.golden ? { cloud_init: true } : {}),
      },
      call,
    },
    imageSchema,
  );
  return toBaked(made);
}

/** Labels of images are not unique at Linode: the description decides whose it is. */
export async function findBaked(
  client: LinodeClient,
  query: Pick<BakeSpec, "name" | "deployment">,
  call: Call,
): Promise<BakedImage | undefined> {
  const page = await client.send(
    { what: `look for the image ${query.name}`, reads: true },
    {
      method: "GET",
      path: "/images",
      query: { page: 1, page_size: pageSize.min },
      filter: { label: query.name, is_public: false },
      call,
    },
    pageOf(imageSchema),
  );
  const ours = page.data.find(
    (image) => image.label === query.name && wordsOf(image).includes(deploymentTag(query.deployment)),
  );
  return ours === undefined ? undefined : toBaked(ours);
}

export async function readBaked(client: LinodeClient, id: string, call: Call): Promise<BakedImage | undefined> {
  try {
    const found = await client.send(
      { what: `show image ${id}`, reads: true, of: "image" },
      { method: "GET", path: imagePath(id), call },
      imageSchema,
    );
    return toBaked(found);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export async function removeImage(client: LinodeClient, id: string, call: Call): Promise<void> {
  try {
    await client.send(
      { what: `delete image ${id}`, reads: false, of: "image" },
      { method: "DELETE", path: imagePath(id), call },
      z.unknown(),
    );
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

export function kindOf(image: LinodeImage): Image["kind"] {
  if (image.is_public === true) return "public";
  return image.label.startsWith(goldenMark) || wordsOf(image).includes(goldenMark) ? "golden" : "private";
}

/** While it is made, its size is not known (0). */
export function sizeOf({ size }: LinodeImage): { sizeMb?: number } {
  return typeof size === "number" && size > 0 ? { sizeMb: size } : {};
}

/** The largest disk that is no swap: a deploy makes one system disk and one of swap. */
async function systemDisk(client: LinodeClient, id: string, call: Call): Promise<number> {
  const { data } = await client.send(
    { what: `list the disks of instance ${id}`, reads: true },
    {
      method: "GET",
      path: `${instancePath(id)}/disks`,
      query: { page: 1, page_size: pageSize.max },
      call,
    },
    pageOf(diskSchema),
  );
  const [largest] = data.filter((disk) => disk.filesystem !== "swap").toSorted((a, b) => b.size - a.size);
  if (largest !== undefined) return largest.id;
  throw new ProviderError({
    code: "provider_rejected",
    effect: "none",
    message: `Instance ${id} has no disk to make an image of. Deploy it from an image, then try again.`,
  });
}

function toBaked(image: LinodeImage): BakedImage {
  return {
    id: image.id,
    label: image.label,
    kind: kindOf(image),
    ...sizeOf(image),
    status: image.status === "available" ? "available" : "creating",
  };
}

function wordsOf(image: LinodeImage): string[] {
  return (image.description ?? "").split(/\s+/);
}

/** `private/1` as one segment of the path. */
function imagePath(id: string): string {
  return `/images/${encodeURIComponent(id)}`;
}

function isGone(error: unknown): boolean {
  return error instanceof ProviderError && error.code === "provider_image_not_found" && error.httpStatus === 404;
}
