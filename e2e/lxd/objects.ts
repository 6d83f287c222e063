import { z } from "zod";
import { ProviderError } from "../../packages/control/src/providers/provider-error.ts";
import type { ApiRequest, IncusApi } from "../../packages/control/src/providers/incus/api.ts";
import { waitFor } from "../harness/wait.ts";

/** All names begin with our prefix: what stands beside them on the daemon is never touched. */
export const POOL = "provost-e2e";
export const BRIDGE = "provostbr0";
export const PROFILE = "provost-e2e";
export const BRIDGE_ADDRESS = "10.83.77.1";

const WAIT_S = 120;
const anything = z.unknown();

/** The pool, the bridge (a network of its own: no NAT, no IPv6) and the profile that ties them together. Safe to repeat. */
export async function ensureObjects(api: IncusApi): Promise<void> {
  await ensure(api, "/1.0/storage-pools", { name: POOL, driver: "dir", config: {} });
  await ensure(api, "/1.0/networks", {
    name: BRIDGE,
    type: "bridge",
    config: { "ipv4.address": `${BRIDGE_ADDRESS}/24`, "ipv4.nat": "false", "ipv6.address": "none" },
  });
  const profile = {
    description: "Provost's end-to-end proofs",
    // The golden image has an Incus inside.
    config: { "security.nesting": "true" },
    devices: {
      root: { type: "disk", path: "/", pool: POOL },
      eth0: { type: "nic", name: "eth0", network: BRIDGE },
    },
  };
  await ensure(api, "/1.0/profiles", { name: PROFILE, ...profile });
  const put = async (): Promise<boolean> =>
    await unlessBusy(change(api, { method: "PUT", path: `/1.0/profiles/${PROFILE}`, body: profile }));
  await waitFor("instances of an ended run, which start with the daemon, to be up", put, WAIT_S * 1_000, 500);
}

/** Removes the instances of our profile, the golden images and the three objects; gives what was removed. */
export async function removeObjects(api: IncusApi): Promise<string[]> {
  const removed: string[] = [];
  const instances = z.array(
    z.object({ name: z.string(), status: z.string(), profiles: z.array(z.string()).nullable() }),
  );
  for (const each of await all(api, "/1.0/instances", instances)) {
    if (each.profiles?.includes(PROFILE) !== true) continue;
    const path = `/1.0/instances/${each.name}`;
    if (each.status !== "Stopped") {
      await change(api, { method: "PUT", path: `${path}/state`, body: { action: "stop", force: true, timeout: 60 } });
    }
    if (await remove(api, path)) removed.push(`instance ${each.name}`);
  }
  const images = z.array(
    z.object({ fingerprint: z.string(), properties: z.record(z.string(), z.string()).nullable() }),
  );
  for (const each of await all(api, "/1.0/images", images)) {
    if (each.properties?.["provost.golden"] === undefined) continue;
    if (await remove(api, `/1.0/images/${each.fingerprint}`)) removed.push(`image ${each.fingerprint.slice(0, 12)}`);
  }
  if (await remove(api, `/1.0/profiles/${PROFILE}`)) removed.push(`profile ${PROFILE}`);
  if (await remove(api, `/1.0/networks/${BRIDGE}`)) removed.push(`bridge ${BRIDGE}`);
  if (await remove(api, `/1.0/storage-pools/${POOL}`)) removed.push(`pool ${POOL}`);
  return removed;
}

/** Makes the object unless one of its name is there, made by us before or by another process at this moment. */
async function ensure(
  api: IncusApi,
  collection: string,
  body: { name: string } & Record<string, unknown>,
): Promise<void> {
  if (await exists(api, `${collection}/${body.name}`)) return;
  try {
    await change(api, { method: "POST", path: collection, body });
  } catch (error) {
    if (!(await exists(api, `${collection}/${body.name}`))) throw error;
  }
}

async function exists(api: IncusApi, path: string): Promise<boolean> {
  return (await unlessMissing(api.sync({ method: "GET", path }, anything, {}).then(() => true))) ?? false;
}

async function remove(api: IncusApi, path: string): Promise<boolean> {
  return (await unlessMissing(change(api, { method: "DELETE", path }).then(() => true))) ?? false;
}

async function all<T>(api: IncusApi, path: string, shape: z.ZodType<T[]>): Promise<T[]> {
  return (await api.sync({ method: "GET", path, query: { recursion: "1" } }, shape.nullable(), {})) ?? [];
}

async function change(api: IncusApi, request: ApiRequest): Promise<void> {
  await api.settled(await api.change(request, {}), WAIT_S, {});
}

/** False: something else is being done to what it would change. */
async function unlessBusy(answer: Promise<void>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    if (error instanceof ProviderError && error.code === "provider_busy") return false;
    throw error;
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProviderError && error.httpStatus === 404) return undefined;
    throw error;
  }
}
