import { BenchError } from "../bench-error.ts";
import type { Engine } from "../engines.ts";
import type { Bench } from "../harness/bench-run.ts";
import type { Figures, Scenario } from "../scenario.ts";

const idleEveryMs = 25;
const busyEveryMs = 2;
const warmUp = 100;

/** From the call of enqueue in one process to the start of the job in another. */
async function pickup(bench: Bench, engine: Engine, size: number, everyMs: number): Promise<Figures> {
  const site = await bench.open(engine);
  const [worker] = await site.workers(1);
  if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
  await worker.call("work", {});
  await site.beside.call("pace", { count: warmUp, everyMs });
  await site.handled(worker, warmUp);
  await worker.call("waits");
  await site.beside.call("pace", { count: size, everyMs });
  await site.handled(worker, warmUp + size);
  const { p50, p99, max } = await worker.call("waits");
  return { p99Ms: p99, p50Ms: p50, maxMs: max };
}

const row = {
  figure: "p99Ms",
  unit: "p99, ms",
  better: "lower",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite"],
} as const;

export const pickupIdle: Scenario = {
  ...row,
  name: "pickup-idle",
  measures: `from the call of enqueue in one process to the start in another, one job every ${idleEveryMs} ms`,
  sizes: { full: 1_000, quick: 100 },
  targets: [
    { ours: "ours-postgres", figure: "p50Ms", against: ["raw-postgres"], atMost: 1.2 },
    { ours: "ours-postgres", figure: "p99Ms", against: ["raw-postgres"], atMost: 1.2 },
  ],
  run: async (bench, engine, size) => await pickup(bench, engine, size, idleEveryMs),
};

export const pickupBusy: Scenario = {
  ...row,
  name: "pickup-500",
  measures: `from the call of enqueue in one process to the start in another, at ${1_000 / busyEveryMs} jobs/s`,
  sizes: { full: 10_000, quick: 1_000 },
  targets: [{ ours: "ours-postgres", figure: "p99Ms", against: ["graphile-worker", "pg-boss"], atMost: 1 }],
  run: async (bench, engine, size) => await pickup(bench, engine, size, busyEveryMs),
};
