/**
 * `npm run prove:clog`: a million jobs at priority 255, half delayed and half behind a closed gate, beside 100,000 ready ones at 100. The
 * ready ones drain at 90% or more of the rate of a store without them (L2). Both stores are drained in turns, so that what else the machine does
 * meets both.
 */
import type { NewItem, NewJob, Transporter } from "@provost/jobs";
import { prove, ProofError, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { countOf, onThrowawayStore, type ProofStore } from "../stores.ts";

const atOnce = 10_000;
const claimedAtOnce = 100;
/** Many short ones: what else the machine does falls on both alike. */
const rounds = 100;
const warmUp = 2_000;
const rateMin = 0.9;
const hourMs = 3_600_000;

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
  for (let round = 0; round < rounds; round += 1) {
    // Who goes first changes: one drain's checkpoints may fall into the next.
    if (round % 2 === 0) withoutMs += await drain(without, ready / rounds);
    besideMs += await drain(beside, ready / rounds);
    if (round % 2 === 1) withoutMs += await drain(without, ready / rounds);
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
    const [withoutMs, besideMs] = await drainBoth(without, beside, ready);
    const rate = (ms: number): number => Math.round((ready / ms) * 1_000);
    const [delayedCount, gatedCount] = [await countOf(beside, "delayed"), await countOf(beside, "waiting")];
    check(delayedCount + gatedCount >= clogged, `${delayedCount} delayed and ${gatedCount} gated at priority 255`);
    const part = withoutMs / besideMs;
    check(
      part >= rateMin,
      `${ready} ready ones drained at ${rate(besideMs)}/s beside them, ${rate(withoutMs)}/s without: ${Math.round(part * 100)}% (at least ${rateMin * 100}%)`,
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
      ready: { value: 100_000, about: "at priority 100" },
    },
    minutesMax: 30,
  },
  async (ground) =>
    onThrowawayStore(ground.kind, (free) => onThrowawayStore(ground.kind, (full) => proveOn(free, full, ground))),
);
