import type { Call, Owner } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { GRACE_S, type IncusApi } from "./api.ts";
import { OWNER_DEPLOYMENT, OWNER_INSTANCE, pathOf, TYPE } from "./instance.ts";
import { limitsOf } from "./instance-types.ts";

/** A forced stop must be over before DELETE is allowed. */
const FORCED_STOP_S = 20;
/**
 * How long the daemon waits for the guest to stop. A shutdown goes on in the guest when that time is over, and can be asked for
 * again; a restart starts only what has stopped in time, so it waits longer.
 */
const GUEST_STOP_S = 60;
const GUEST_RESTART_S = 300;

export function bootInstance(api: IncusApi, id: string, call: Call): Promise<void> {
  return signal(api, id, { action: "start", timeout: GUEST_STOP_S }, /already running/i, call);
}

export function rebootInstance(api: IncusApi, id: string, call: Call): Promise<void> {
  return signal(api, id, { action: "restart", force: false, timeout: GUEST_RESTART_S }, undefined, call);
}

export function shutdownInstance(api: IncusApi, id: string, call: Call): Promise<void> {
  return signal(api, id, { action: "stop", force: false, timeout: GUEST_STOP_S }, /already stopped/i, call);
}

export function powerOffInstance(api: IncusApi, id: string, call: Call): Promise<void> {
  return signal(api, id, { action: "stop", force: true, timeout: FORCED_STOP_S }, /already stopped/i, call);
}

/** Limits take hold while the instance runs; a limit below what is in use is refused by the daemon. */
export async function resizeInstance(api: IncusApi, id: string, type: string, call: Call): Promise<void> {
  await configure(api, id, { ...limitsOf(type), [TYPE]: type }, call);
}

/** An empty value takes a key away. */
export async function writeOwner(api: IncusApi, id: string, owner: Owner | undefined, call: Call): Promise<void> {
  const config = { [OWNER_DEPLOYMENT]: owner?.deployment ?? "", [OWNER_INSTANCE]: owner?.instance ?? "" };
  await configure(api, id, config, call);
}

/** PATCH leaves the keys alone that it does not name. */
export async function configure(api: IncusApi, id: string, config: Record<string, string>, call: Call): Promise<void> {
  const accepted = await api.change({ method: "PATCH", path: pathOf(id), body: { config } }, call);
  await api.settled(accepted, GRACE_S, call);
}

export async function destroyInstance(api: IncusApi, id: string, call: Call): Promise<void> {
  try {
    await remove(api, id, call);
  } catch (error) {
    if (!(error instanceof ProviderError) || !/is running/i.test(error.providerMessage ?? "")) throw error;
    const body = { action: "stop", force: true, timeout: FORCED_STOP_S };
    await signal(api, id, body, /already stopped|not found/i, call, FORCED_STOP_S);
    await remove(api, id, call);
  }
}

async function remove(api: IncusApi, id: string, call: Call): Promise<void> {
  try {
    const accepted = await api.change({ method: "DELETE", path: pathOf(id) }, call);
    await api.settled(accepted, GRACE_S, call);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // Gone already, or on its way since an earlier call.
    const ending = /busy running a "delete"/i.test(error.providerMessage ?? "");
    if (error.code !== "provider_instance_not_found" && !ending) throw error;
  }
}

/** `settledBy`: what the daemon says when the instance is there already, which is no error. */
async function signal(
  api: IncusApi,
  id: string,
  body: { action: string; force?: boolean; timeout: number },
  settledBy: RegExp | undefined,
  call: Call,
  graceS = GRACE_S,
): Promise<void> {
  try {
    const accepted = await api.change({ method: "PUT", path: `${pathOf(id)}/state`, body }, call);
    await api.settled(accepted, graceS, call);
  } catch (error) {
    const there = error instanceof ProviderError && settledBy?.test(error.providerMessage ?? "") === true;
    if (!there) throw error;
  }
}
