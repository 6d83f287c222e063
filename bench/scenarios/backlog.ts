import { BenchError } from "../bench-error.ts";
import type { Engine } from "../engines.ts";
import type { Bench, Site } from "../harness/bench-run.ts";
import { rateBetween } from "../harness/marks.ts";
import type { Scenario } from "../scenario.ts";

/** The first ones of a process are slower on every engine. */
const warmUp = 10_000;
const measured = 10_000;
const claims = 1_000;

/** Rate of the 10,000 after the first 10,000, of so many queued. */
async function rateOf(bench: Bench, engine: Engine, queued: number): Promise<{ rate: number; site: Site }> {
  const site = await bench.open(engine);
  await site.beside.call("fill", { count: queued });
  const [worker] = await site.workers(1);
  if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
  await worker.call("work", {});
  await site.handled(worker, warmUp + measured);
  const rate = rateBetween(await worker.call("marks"), warmUp, warmUp + measured);
  await worker.close();
  return { rate, site };
}

export const backlog: Scenario = {
  name: "backlog",
  measures: "the next 10,000 jobs of a long queue, beside those of a queue of 10,000; then jobs claimed one by one",
  figure: "perSecondLong",
  unit: "jobs/s",
  better: "higher",
  engines: ["ours-postgres", "pg-boss", "graphile-worker", "bullmq", "raw-postgres", "ours-sqlite"],
  sizes: { full: 5_000_000, quick: 50_000 },
  targets: [
    { ours: "ours-postgres", figure: "longToShort", atLeast: 0.9 },
    { ours: "ours-postgres", figure: "claimP99Ms", atMost: 2 },
  ],
  async run(bench, engine, size) {
    const short = await rateOf(bench, engine, warmUp + measured);
    const long = await rateOf(bench, engine, size);
    const figures = { perSecondLong: long.rate, perSecondShort: short.rate, longToShort: long.rate / short.rate };
    // graphile-worker has no public way to claim one.
    if (engine.name === "graphile-worker") return figures;
    const { p50, p99 } = await long.site.beside.call("claimOnes", { count: claims });
    return { ...figures, claimP50Ms: p50, claimP99Ms: p99 };
  },
};
