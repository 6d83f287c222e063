import type { Scenario } from "../scenario.ts";

/** Batches of 1,000, in four loops and in one. */
export const bulkEnqueue: Scenario = {
  name: "bulk-enqueue",
  measures: "jobs enqueued in batches of 1,000 by one process, four batches at a time",
  figure: "jobsPerSecond",
  unit: "jobs/s",
  better: "higher",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite", "raw-sqlite"],
  sizes: { full: 100_000, quick: 10_000 },
  targets: [
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["graphile-worker", "pg-boss", "bullmq"], atLeast: 1.5 },
  ],
  async run(bench, engine, size) {
    const rates: number[] = [];
    for (const loops of [4, 1]) {
      const site = await bench.open(engine);
      rates.push((size / (await site.beside.call("fill", { count: size, loops }))) * 1_000);
    }
    const [jobsPerSecond = Number.NaN, oneLoopPerSecond = Number.NaN] = rates;
    return { jobsPerSecond, oneLoopPerSecond };
  },
};
