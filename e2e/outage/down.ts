import { setTimeout as pause } from "node:timers/promises";
import type { Instance } from "@provost/contract";
import { Fleet } from "../harness/fleet.ts";
import { waitFor } from "../harness/wait.ts";
import type { OutageGround } from "./prove.ts";

/** Part of the fleet that the provider has accepted when it goes down. */
const before = 0.1;
/** Refused connections first, then 503: each for this part of the stuck limit, together for longer than that. */
const eachPart = 0.75;
const backWithinMs = 300_000;

export async function proveDown(ground: OutageGround): Promise<void> {
  const { provost, cloud, provider, numbers, stuckSeconds, say, check } = ground;
  const { creates_accepted: earlier, instances: standing } = await cloud.figures();
  const fleet = await Fleet.on(provost, cloud, provider, numbers.deploys);
  const asking = fleet.deploy();
  await waitFor(
    "the first of the fleet",
    async () => acceptedOf(await fleet.instances()).length >= numbers.deploys * before,
    120_000,
    100,
  );
  await cloud.kill();
  await asking;
  const atOnce = await fleet.instances();
  say(`when the provider went down: ${words(atOnce)}`);
  const accepted = acceptedOf(atOnce).filter(({ status }) => status !== "provisioned");
  check(accepted.length > 0, `${accepted.length} servers had been accepted and were not ready when it went down`);
  await pause(stuckSeconds * 1_000 * eachPart);
  await cloud.start();
  const { id } = await cloud.setFault({ kind: "maintenance", times: 1_000_000 });
  await pause(stuckSeconds * 1_000 * eachPart);
  const during = await fleet.instances();
  check(
    count(during, "failed") === 0 && count(during, "provisioned") < numbers.deploys,
    `${(2 * eachPart * stuckSeconds).toFixed(0)} s down (stuck limit ${stuckSeconds} s): none failed; ${words(during)}`,
  );
  await cloud.clearFaults(id);
  const back = performance.now();
  let after: Instance[] = [];
  await waitFor(
    "the fleet",
    async () => {
      after = await fleet.instances();
      return count(after, "provisioned") + count(after, "failed") === numbers.deploys;
    },
    backWithinMs,
    500,
  ).catch(() => {});
  const seconds = (performance.now() - back) / 1_000;
  check(count(after, "provisioned") === numbers.deploys, `${seconds.toFixed(1)} s after it was back: ${words(after)}`);
  const figures = await cloud.figures();
  const made = figures.creates_accepted - earlier;
  check(
    made === numbers.deploys && figures.instances - standing === made && figures.labels_created_again.length === 0,
    `the sandbox made ${made} servers for it, ${figures.labels_created_again.length} names twice`,
  );
  say(`server peak RSS ${provost.peakRssMb().toFixed(0)} MB`);
}

function acceptedOf(instances: Instance[]): Instance[] {
  return instances.filter(({ providerId }) => providerId !== undefined);
}

function count(instances: Instance[], status: Instance["status"]): number {
  return instances.filter((one) => one.status === status).length;
}

function words(instances: Instance[]): string {
  const why = new Set(
    instances.flatMap(({ failure }) => (failure === undefined ? [] : [`${failure.code}: ${failure.message}`])),
  );
  const reasons = why.size === 0 ? "" : ` (${[...why].slice(0, 5).join(" ")})`;
  const statuses = new Set(instances.map(({ status }) => status));
  return [...statuses].map((status) => `${count(instances, status)} ${status}`).join(", ") + reasons;
}
