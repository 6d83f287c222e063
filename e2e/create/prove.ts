/**
 * `npm run prove:create`: 2,000 deploys over HTTP on a sandbox that keeps Linode's rate limits (times `--scale`), loses one answer
 * in ten, answers one call in ten with 5xx before its effect and one in ten after it, has storms of 429, while the server is ended
 * with `kill -9` and started again. Every instance must be provisioned, each exactly once at the sandbox (C4), none given up for
 * having waited for the rate budget (C7, C11). Prints the time it took beside the least that the rate limit allows; up to five times
 * Linode's limits it must be near it. Linux: needs /proc.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Instance } from "@provost/contract";
import { Fleet } from "../harness/fleet.ts";
import { Provost } from "../harness/provost.ts";
import { SandboxCloud } from "../harness/sandbox.ts";
import { percentile, prove, type Ground } from "../jobs/proof.ts";
import { onThrowawayStore, type ProofStore } from "../jobs/stores.ts";
import { Troubles } from "./troubles.ts";

/** Of Linode, per token: `packages/sandbox/src/api/call-kind.ts`. */
const createLimit = { requests: 20, windowSeconds: 15 } as const;
/** After an unknown outcome no second create before this (C4): what the last of them wait beyond the rate limit. */
const quietSeconds = 45;
/** Of the least time: what our own keeping to the limit costs (a twentieth), and the machine. */
const slowdownMax = 1.25;
/** Above it two cores, which the sandbox shares, are what the deploys wait for and not the limit: the time is told, not judged. */
const judgedScaleMax = 5;
const lookEveryMs = 3_000;
/** What is left is mostly creates without an effect, which wait for their quiet period and not for the rate limit. */
const busyPart = 0.9;
/** From an accepted create to ready at the sandbox, and a round of looks. */
const bootSeconds = 6;

type Sizes = Ground<"deploys" | "scale" | "kills">["numbers"];

async function proveOn(store: ProofStore, { numbers, say, check }: Ground<keyof Sizes>): Promise<void> {
  const cloud = new SandboxCloud(store.folder, ["--rate-scale", String(numbers.scale)]);
  const provost = new Provost({
    PROVOST_LOG_LEVEL: "warn",
    ...(store.kind === "PostgreSQL" ? { PROVOST_DATABASE: store.address } : {}),
  });
  try {
    await cloud.start();
    await provost.serve();
    const provider = `fleet-${randomBytes(2).toString("hex")}`;
    const fleet = await Fleet.on(provost, cloud, provider, numbers.deploys);
    const troubles = new Troubles(provost, cloud);
    await troubles.begin();
    const [started, begun] = [performance.now(), Date.now()];
    const seconds = (): number => (performance.now() - started) / 1_000;
    const ended = troubles.kill(numbers.kills, leastSeconds(numbers.deploys, numbers.scale));
    await fleet.deploy();
    say(`${fleet.accepted.size} deploys asked for in ${seconds().toFixed(1)} s, ${fleet.repeated} requests sent again`);
    const instances = await over(fleet, say, seconds);
    const took = seconds();
    await ended;
    const met = await troubles.end();
    const figures = await cloud.figures();
    await judgeInstances({ fleet, cloud, instances, check });
    const rssMb = Math.max(troubles.peakRssMb, provost.peakRssMb());
    check(
      troubles.kills === numbers.kills && met.lost * met.before * met.after * met.storms > 0,
      `met: ${met.lost} lost answers, ${met.before} 5xx before and ${met.after} after the effect, ${met.storms} calls refused in storms of 429, ${troubles.kills} kills`,
    );
    const at = instances.map(({ provisionedAt }) => Date.parse(provisionedAt ?? "") - begun).toSorted((a, b) => a - b);
    say(
      `provisioned p50 ${(percentile(at, 0.5) / 1_000).toFixed(1)} s, p99 ${(percentile(at, 0.99) / 1_000).toFixed(1)} s after the first was asked for; server peak RSS ${rssMb.toFixed(0)} MB`,
    );
    say(
      `${(figures.requests / numbers.deploys).toFixed(1)} requests for each, ${figures.requests_rate_limited} of all refused for the rate limit itself`,
    );
    const calls = numbers.deploys + met.wasted;
    const { downSeconds, stormSeconds } = troubles;
    const standstill = `, ${downSeconds.toFixed(1)} s without a server and ${stormSeconds.toFixed(1)} s of storms`;
    const bound = (least: number): number => least * slowdownMax + downSeconds + stormSeconds + bootSeconds;
    const most = percentile(at, busyPart) / 1_000;
    const leastMost = leastSeconds(calls * busyPart, numbers.scale);
    const judgeTime = numbers.scale <= judgedScaleMax ? check : (_: boolean, what: string): void => say(what);
    judgeTime(
      most <= bound(leastMost),
      `nine in ten after ${most.toFixed(1)} s (× ${(most / leastMost).toFixed(2)}); the rate limit's own least for their creates is ${leastMost} s${standstill}`,
    );
    const least = leastSeconds(calls, numbers.scale);
    judgeTime(
      took <= bound(least) + quietRounds(numbers.scale) * quietSeconds,
      `all after ${took.toFixed(1)} s (× ${(took / least).toFixed(2)}); the least for ${calls} creates is ${least} s${standstill}; ` +
        `the last wait for up to ${quietRounds(numbers.scale)} quiet periods of ${quietSeconds} s`,
    );
  } finally {
    await provost.stop();
    await cloud.stop();
  }
}

/**
 * How often in a row the create of one of the last can be without effect: a tenth of those of one quiet period are, a tenth of these
 * are again, …, until less than a tenth of one is left.
 */
function quietRounds(scale: number): number {
  const calls = (createLimit.requests * scale * quietSeconds) / createLimit.windowSeconds;
  return Math.ceil(Math.log10(calls));
}

/** In windows of `windowSeconds`: the last one is not waited out. */
function leastSeconds(calls: number, scale: number): number {
  return Math.floor((calls - 1) / (createLimit.requests * scale)) * createLimit.windowSeconds;
}

/** Until no deploy is under way any more. */
async function over(fleet: Fleet, say: (text: string) => void, seconds: () => number): Promise<Instance[]> {
  for (let told = seconds(); ; await pause(lookEveryMs)) {
    const instances = await fleet.instances();
    const counts = new Map<string, number>();
    for (const { status } of instances) counts.set(status, (counts.get(status) ?? 0) + 1);
    if (seconds() - told > 15) {
      told = seconds();
      say(`after ${told.toFixed(0)} s: ${[...counts].map(([status, count]) => `${count} ${status}`).join(", ")}`);
    }
    const done = (counts.get("provisioned") ?? 0) + (counts.get("failed") ?? 0);
    if (done === instances.length && instances.length >= fleet.names.length) return instances;
  }
}

async function judgeInstances(parts: {
  fleet: Fleet;
  cloud: SandboxCloud;
  instances: Instance[];
  check: (holds: boolean, what: string) => void;
}): Promise<void> {
  const { fleet, cloud, instances, check } = parts;
  const wanted = fleet.names.length;
  const answered = new Set(fleet.accepted.values());
  check(
    instances.length === wanted && instances.every(({ id }) => answered.has(id)),
    `${instances.length} of ${wanted} instances asked for, each the one that its request was answered with`,
  );
  const failed = instances.filter(({ status }) => status !== "provisioned");
  const why = [...new Set(failed.map(({ failure }) => failure?.code ?? "?"))].join(", ");
  check(failed.length === 0, `${wanted - failed.length} of ${wanted} provisioned, ${failed.length} failed ${why}`);
  const figures = await cloud.figures();
  check(
    figures.creates_accepted === wanted && figures.instances === wanted && figures.labels_created_again.length === 0,
    `the sandbox made ${figures.creates_accepted} servers and has ${figures.instances}, ${figures.labels_created_again.length} names twice`,
  );
  const servers = await cloud.servers();
  const ours = new Map(instances.map((one) => [one.providerId ?? "", one.providerName]));
  const orphans = [...servers].filter(([id, label]) => ours.get(id) !== label);
  check(orphans.length === 0 && ours.size === servers.size, `${orphans.length} servers without an instance of ours`);
}

await prove(
  {
    name: "create",
    about:
      "Many deploys under Linode's rate limits, lost answers, 5xx before and after the effect, storms of 429 and kill -9 of the server: each exactly once (C4, C7, C11).",
    numbers: {
      deploys: { value: 2_000, about: "asked for over HTTP" },
      scale: { value: 5, about: "times Linode's rate limits" },
      kills: { value: 4, about: "of the server" },
    },
    minutesMax: 45,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
