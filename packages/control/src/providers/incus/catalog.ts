import type { Call, Image, Region } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { clusterMembers, image, imageAlias, images, server, type ImageAnswer } from "./answers.ts";
import type { IncusApi } from "./api.ts";
import { LOCAL_REGION } from "./instance.ts";

/** Written by the golden image's recipe into the image's properties (images/golden-debian). */
export const GOLDEN_PROPERTY = "provost.golden";

/** The cluster's members, or one region for a single server. */
export async function readRegions(api: IncusApi, call: Call): Promise<Region[]> {
  const { environment } = await api.sync({ method: "GET", path: "/1.0" }, server, call);
  if (environment.server_clustered !== true) {
    return [{ id: LOCAL_REGION, label: `${environment.server_name ?? "this server"} (single server)` }];
  }
  const members = await api.sync(
    { method: "GET", path: "/1.0/cluster/members", query: { recursion: "1" }, outsideProjects: true },
    clusterMembers,
    call,
  );
  return members.map((each) => ({ id: each.server_name, label: `${each.server_name} (${each.status})` }));
}

/** An entry for each alias, so that each name a person may use is listed; the fingerprint for an image without one. */
export async function readImages(api: IncusApi, call: Call): Promise<Image[]> {
  const found = (await api.sync({ method: "GET", path: "/1.0/images", query: { recursion: "1" } }, images, call)) ?? [];
  const entries = found.flatMap((each) => {
    const ids = each.aliases?.map((alias) => alias.name) ?? [];
    const label = each.properties?.["description"] ?? each.fingerprint.slice(0, 12);
    return (ids.length > 0 ? ids : [each.fingerprint]).map((id) => ({ id, label, kind: kindOf(each) }));
  });
  return entries.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

export function kindOf(answer: ImageAnswer): Image["kind"] {
  if (answer.properties?.[GOLDEN_PROPERTY] !== undefined) return "golden";
  // `cached`: fetched from a public image server when it was first used.
  return answer.cached === true ? "public" : "private";
}

/** The image behind an alias or a fingerprint, looked up first: the daemon tells a missing fingerprint only as a failed operation. */
export async function resolveImage(
  api: IncusApi,
  id: string,
  call: Call,
): Promise<{ fingerprint: string; type: string }> {
  const encoded = encodeURIComponent(id);
  const alias = await orMissing(api.sync({ method: "GET", path: `/1.0/images/aliases/${encoded}` }, imageAlias, call));
  if (alias !== undefined) return { fingerprint: alias.target, type: alias.type ?? "container" };
  const byFingerprint = /^[0-9a-f]{12,64}$/.test(id)
    ? await orMissing(api.sync({ method: "GET", path: `/1.0/images/${encoded}` }, image, call))
    : undefined;
  if (byFingerprint !== undefined) {
    return { fingerprint: byFingerprint.fingerprint, type: byFingerprint.type ?? "container" };
  }
  throw new ProviderError({
    code: "provider_image_not_found",
    effect: "none",
    message: `the server has no image with the alias or fingerprint '${id}'; take one that \`images\` lists`,
    httpStatus: 404,
  });
}

async function orMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProviderError && error.httpStatus === 404 && error.code !== "provider_rejected") {
      return undefined;
    }
    throw error;
  }
}
