import { setTimeout as sleep } from "node:timers/promises";
import { BenchError } from "../bench-error.ts";
import { nowMs } from "../engine.ts";
import type { Scenario } from "../scenario.ts";

const jobMs = 1_000;
/** Until the slots are full and the first ones have been filled again. */
const settleMs = 2_000;
const fullSize = 20_000;
/** A full run's, and a look's. */
const windowSeconds = { full: 20, quick: 5 };

export const sleepers: Scenario = {
  name: "sleepers",
  measures: "so many jobs of 1 s at once in one process, over 20 s",
  figure: "jobsPerSecond",
  unit: "jobs/s",
  better: "higher",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite"],
  sizes: { full: fullSize, quick: 500 },
  targets: [
    { ours: "ours-postgres", figure: "ofWhatIsPossible", atLeast: 0.975 },
    { ours: "ours-postgres", figure: "peakRssMb", atMost: 350 },
  ],
  async run(bench, engine, size) {
    const seconds = size >= fullSize ? windowSeconds.full : windowSeconds.quick;
    const site = await bench.open(engine);
    // More than can be done until the window ends.
    await site.beside.call("fill", { count: size * (seconds + settleMs / 1_000 + 2), job: { payload: { ms: jobMs } } });
    const [worker] = await site.workers(1);
    if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
    await worker.call("work", { concurrency: size });
    await site.handled(worker, 1);
    await sleep(settleMs);
    const [before, from] = [await worker.call("progress"), nowMs()];
    await sleep(seconds * 1_000);
    const [after, to] = [await worker.call("progress"), nowMs()];
    const jobsPerSecond = ((after.ended - before.ended) / (to - from)) * 1_000;
    const possible = (size * 1_000) / jobMs;
    return { jobsPerSecond, ofWhatIsPossible: jobsPerSecond / possible, peakRssMb: await worker.call("peakRssMb") };
  },
};
