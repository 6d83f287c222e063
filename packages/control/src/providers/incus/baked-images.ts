import type { BakedImage, BakeSpec } from "../baked-image.ts";
import type { Call } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { image, type ImageAnswer } from "./answers.ts";
import { GRACE_S, type IncusApi } from "./api.ts";
import { GOLDEN_PROPERTY, kindOf, resolveImage } from "./catalog.ts";
import { operationsUnderWay } from "./reading.ts";

const DEPLOYMENT_PROPERTY = "provost.deployment";
/** The daemon's one word for every image that is on its way, published ones too (Incus' operation types); it does not say which. */
const IMAGE_OPERATION = "Downloading image";

/** Publishes a stopped instance as an image with the spec's name as its alias (C2). */
export async function bakeImage(api: IncusApi, id: string, spec: BakeSpec, call: Call): Promise<BakedImage> {
  // The daemon looks at the alias only when the image is made, and leaves it nameless then.
  if ((await foundImage(api, spec.name, call)) !== undefined) {
    throw new ProviderError({
      code: "provider_name_taken",
      effect: "none",
      message: `there is an image '${spec.name}' already; choose another name`,
    });
  }
  const accepted = await api.change(
    {
      method: "POST",
      path: "/1.0/images",
      body: {
        source: { type: "instance", name: id },
        public: false,
        // Gzip, the daemon's own choice, took 15 s for the golden image's 265 MB, this 1.3 s (2 cores, both busy otherwise).
        compression_algorithm: "none",
        aliases: [{ name: spec.name, description: "Baked by Provost" }],
        properties: {
          description: spec.name,
          [DEPLOYMENT_PROPERTY]: spec.deployment,
          ...(spec.golden ? { [GOLDEN_PROPERTY]: spec.name } : {}),
        },
      },
    },
    call,
  );
  const made = await api.settled(accepted, GRACE_S, call);
  return {
    id: spec.name,
    label: spec.name,
    kind: spec.golden ? "golden" : "private",
    status: made ? "available" : "creating",
  };
}

export async function findBaked(
  api: IncusApi,
  query: Pick<BakeSpec, "name" | "deployment">,
  call: Call,
): Promise<BakedImage | undefined> {
  const found = await foundImage(api, query.name, call);
  if (found === undefined) return onItsWay(api, query.name, call);
  return found.properties?.[DEPLOYMENT_PROPERTY] === query.deployment ? toBaked(query.name, found) : undefined;
}

export async function readBaked(api: IncusApi, id: string, call: Call): Promise<BakedImage | undefined> {
  const found = await foundImage(api, id, call);
  return found === undefined ? onItsWay(api, id, call) : toBaked(id, found);
}

export async function removeImage(api: IncusApi, id: string, call: Call): Promise<void> {
  try {
    const { fingerprint } = await resolveImage(api, id, call);
    const accepted = await api.change({ method: "DELETE", path: `/1.0/images/${fingerprint}` }, call);
    await api.settled(accepted, GRACE_S, call);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** While any image is being made, one that is missing may be it: the look is repeated until none is. */
async function onItsWay(api: IncusApi, id: string, call: Call): Promise<BakedImage | undefined> {
  const underWay = await operationsUnderWay(api, call);
  if (!underWay.some((each) => each.description === IMAGE_OPERATION)) {
    // It may have ended between the two looks.
    const found = await foundImage(api, id, call);
    return found === undefined ? undefined : toBaked(id, found);
  }
  return { id, label: id, kind: "private", status: "creating" };
}

async function foundImage(api: IncusApi, id: string, call: Call): Promise<ImageAnswer | undefined> {
  try {
    const { fingerprint } = await resolveImage(api, id, call);
    return await api.sync({ method: "GET", path: `/1.0/images/${fingerprint}` }, image, call);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function toBaked(id: string, answer: ImageAnswer): BakedImage {
  return { id, label: answer.properties?.["description"] ?? id, kind: kindOf(answer), status: "available" };
}

function isGone(error: unknown): boolean {
  return error instanceof ProviderError && error.httpStatus === 404 && error.code !== "provider_rejected";
}
