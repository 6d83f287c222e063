/**
 * `npm run prove:clog`: a million jobs at priority 255, half delayed and half behind a closed gate, beside 20,000 ready ones at 100. The
 * ready ones drain at 90% or more of the rate of a store without them (L2). Both stores are drained in turns, so that what else the machine does
 * meets both; several times, and the median counts: a pause of the disk can take a tenth of a second, which is a tenth of one drain.
 */
import type { NewItem, NewJob, Transporter } from "@provost/jobs";
import { Client } from "pg";
import { percentile, prove, ProofError, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { countOf, onThrowawayStore, type ProofStore } from "../stores.ts";

const atOnce = 10_000;
const claimedAtOnce = 100;
/** Of one drain: many short turns, so that what else the machine does falls on both alike. */
const turns = 100;
const drains = 5;
const warmUp = 2_000;
const rateMin = 0.9;
const hourMs = 3_600_000;
/** `vacuumed` does it. */
const settings = { autovacuum: "off" };

const job: NewJob = {
  name: "work",
  queue: "clog",
  lane: "short",
  input: "{}",
  priority: 100,
  attempts: 30,
  timeoutMs: 60_000,
  delayMs: 0,
};
const delayed: NewJob = { ...job, priority: 255, delayMs: hourMs };

/** One job that is delayed for an hour, and all the others behind its gate. */
function gated(count: number): NewItem {
  const behind = Array.from({ length: count - 1 }, () => ({ ...job, priority: 255, stage: 1 }));
  const policy = "all-processed" as const;
  return { flow: { jobs: [{ ...delayed, stage: 0 }, ...behind], stages: [{ policy }, { policy }] } };
}

async function clog(transporter: Transporter, clogged: number): Promise<void> {
  for (let left = clogged; left > 0; left -= 2 * atOnce) {
    const half = Math.max(2, Math.min(atOnce, Math.floor(left / 2)));
    await transporter.enqueue(Array.from({ length: half }, () => ({ job: delayed })));
    await transporter.enqueue([gated(half)]);
  }
}

async function addReady(transporter: Transporter, ready: number): Promise<void> {
  for (let left = ready; left > 0; left -= atOnce)
    await transporter.enqueue(Array.from({ length: Math.min(left, atOnce) }, () => ({ job })));
}

/** Through connections of its own: the page cache of who has just written a million jobs is no part of what is measured (3% on SQLite). */
async function fill({ address }: ProofStore, clogged: number, ready: number): Promise<void> {
  const transporter = storeAt(address);
  try {
    await transporter.start();
    await clog(transporter, clogged);
    await addReady(transporter, ready);
  } finally {
    await transporter.stop();
  }
}

/** Both stores at one moment: by itself a server vacuums when it likes, and until then claims walk over what has gone. */
async function vacuumed({ kind, address }: ProofStore): Promise<void> {
  if (kind === "SQLite") return;
  const client = new Client(address);
  await client.connect();
  try {
    await client.query("VACUUM (ANALYZE)");
    await client.query("CHECKPOINT");
  } finally {
    await client.end();
  }
}

/** Claims and ends so many, as a manager does, its look for due jobs included. Ms it took. */
async function drain(transporter: Transporter, count: number): Promise<number> {
  const request = { queue: job.queue, lane: job.lane, names: [job.name], leaseMs: 60_000, started: true };
  const since = performance.now();
  for (let left = count; left > 0;) {
    await transporter.promote(1_000);
    const claimed = await transporter.claim([{ ...request, limit: Math.min(left, claimedAtOnce) }], "clog");
    if (claimed.length === 0) throw new ProofError("not_ended", `${left} ready jobs were not to be had`);
    if (claimed.some(({ priority }) => priority !== job.priority))
      throw new ProofError("not_ended", "a job was claimed that was not ready");
    await transporter.settle(
      claimed.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })),
    );
    left -= claimed.length;
  }
  return performance.now() - since;
}

/** Both drained in turns. Ms it took altogether. */
async function drainBoth(without: Transporter, beside: Transporter, ready: number): Promise<[number, number]> {
  let [withoutMs, besideMs] = [0, 0];
  for (let turn = 0; turn < turns; turn += 1) {
    // Who goes first changes: one drain's checkpoints may fall into the next.
    if (turn % 2 === 0) withoutMs += await drain(without, ready / turns);
    besideMs += await drain(beside, ready / turns);
    if (turn % 2 === 1) withoutMs += await drain(without, ready / turns);
  }
  return [withoutMs, besideMs];
}

async function proveOn(free: ProofStore, full: ProofStore, ground: Ground<"clog" | "ready">): Promise<void> {
  const { say, check } = ground;
  const { clog: clogged, ready } = ground.numbers;
  const since = performance.now();
  await fill(full, clogged, ready);
  await fill(free, 0, ready);
  say(`filled in ${Math.round((performance.now() - since) / 1_000)} s`);
  const without = storeAt(free.address);
  const beside = storeAt(full.address);
  try {
    await without.start();
    await beside.start();
    // Not measured: what filling them has left to do, and first times.
    for (const store of [without, beside]) {
      await addReady(store, warmUp);
      await drain(store, warmUp);
    }
    const rate = (ms: number): number => Math.round((ready / ms) * 1_000);
    const parts: number[] = [];
    for (let count = 0; count < drains; count += 1) {
      if (count > 0) for (const store of [without, beside]) await addReady(store, ready);
      for (const store of [free, full]) await vacuumed(store);
      const [withoutMs, besideMs] = await drainBoth(without, beside, ready);
      parts.push(withoutMs / besideMs);
      say(`${ready} ready ones drained at ${rate(besideMs)}/s beside them, ${rate(withoutMs)}/s without`);
    }
    const [delayedCount, gatedCount] = [await countOf(beside, "delayed"), await countOf(beside, "waiting")];
    check(delayedCount + gatedCount >= clogged, `${delayedCount} delayed and ${gatedCount} gated at priority 255`);
    const part = percentile(parts, 0.5);
    check(
      part >= rateMin,
      `the median of ${drains}: beside them ${Math.round(part * 100)}% of the rate without (at least ${rateMin * 100}%)`,
    );
  } finally {
    await without.stop();
    await beside.stop();
  }
}

await prove(
  {
    name: "clog",
    about: "Delayed and gated jobs of the highest priority cost the ready ones nothing (L2).",
    numbers: {
      clog: { value: 1_000_000, about: "half delayed, half behind a closed gate, at priority 255" },
      ready: { value: 20_000, about: "at priority 100" },
    },
    minutesMax: 30,
  },
  async (ground) =>
    onThrowawayStore(
      ground.kind,
      (free) => onThrowawayStore(ground.kind, (full) => proveOn(free, full, ground), settings),
      settings,
    ),
);
