/**
 * `npm run prove:clog`: a million jobs at priority 255, half delayed and half behind a closed gate, beside 20,000 ready ones at 100. The
 * ready ones drain at 90% or more of the rate of a store without them (L2), on SQLite and PostgreSQL. Both stores are drained in turns, so that
 * what else the machine does meets both. `-- --clog 50000 --ready 4000 --store sqlite` for less. Exits with 1 when it does not hold, or cannot be run.
 */
import { parseArgs } from "node:util";
import type { NewItem, NewJob, Transporter } from "@provost/jobs";
import { storeAt } from "../blocked/store.ts";
import { cannotTry, onThrowawayStore, ProofError, report, storesAsked, type StoreKind } from "../stores.ts";

const { values } = parseArgs({
  options: {
    clog: { type: "string", default: "1000000" },
    ready: { type: "string", default: "20000" },
    store: { type: "string" },
  },
});
const clogged = Number(values.clog);
const ready = Number(values.ready);
const atOnce = 10_000;
const claimedAtOnce = 100;
const rounds = 10;
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

async function clog(transporter: Transporter): Promise<void> {
  for (let left = clogged; left > 0; left -= 2 * atOnce) {
    const half = Math.max(2, Math.min(atOnce, Math.floor(left / 2)));
    await transporter.enqueue(Array.from({ length: half }, () => ({ job: delayed })));
    await transporter.enqueue([gated(half)]);
  }
}

async function addReady(transporter: Transporter): Promise<void> {
  for (let left = ready; left > 0; left -= atOnce)
    await transporter.enqueue(Array.from({ length: Math.min(left, atOnce) }, () => ({ job })));
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

async function prove(kind: StoreKind): Promise<{ figures: object; faults: string[] }> {
  return await onThrowawayStore(kind, async (free) => {
    return await onThrowawayStore(kind, async (full) => {
      const without = storeAt(free.address);
      const beside = storeAt(full.address);
      try {
        await without.start();
        await beside.start();
        await clog(beside);
        await addReady(beside);
        await addReady(without);
        // Not measured: what filling them has left to do, and first times.
        for (const store of [without, beside]) {
          await store.enqueue(Array.from({ length: warmUp }, () => ({ job })));
          await drain(store, warmUp);
        }
        let withoutMs = 0;
        let besideMs = 0;
        for (let round = 0; round < rounds; round += 1) {
          // Who goes first changes: one drain's checkpoints may fall into the next.
          if (round % 2 === 0) withoutMs += await drain(without, ready / rounds);
          besideMs += await drain(beside, ready / rounds);
          if (round % 2 === 1) withoutMs += await drain(without, ready / rounds);
        }
        const rate = (ms: number): number => Math.round((ready / ms) * 1_000);
        const part = withoutMs / besideMs;
        const counts = (await beside.sight.counts()).map(({ counts: seen }) => seen);
        const figures = {
          store: kind,
          perSecondWithout: rate(withoutMs),
          perSecondBeside: rate(besideMs),
          part: Number(part.toFixed(3)),
          delayed: counts.reduce((sum, seen) => sum + seen.delayed, 0),
          gated: counts.reduce((sum, seen) => sum + seen.waiting, 0),
        };
        const faults =
          part < rateMin ? [`${kind}: ready jobs drain at ${figures.part} of the rate without the others`] : [];
        if (figures.delayed + figures.gated < clogged) faults.push(`${kind}: fewer jobs clogged than asked for`);
        return { figures, faults };
      } finally {
        await without.stop();
        await beside.stop();
      }
    });
  });
}

const figures: object[] = [];
const faults: string[] = [];
for (const kind of storesAsked(values.store)) {
  const missing = cannotTry(kind);
  if (missing !== undefined) {
    faults.push(missing);
    continue;
  }
  const shown = await prove(kind);
  figures.push(shown.figures);
  faults.push(...shown.faults);
}
report("clog", figures, faults);
