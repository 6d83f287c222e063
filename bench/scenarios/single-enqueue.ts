import type { Scenario } from "../scenario.ts";

const producers = 50;
/** One producer is so much slower than fifty that fewer jobs tell as much. */
const lonePart = 0.1;

export const singleEnqueue: Scenario = {
  name: "single-enqueue",
  measures: `jobs enqueued one by one by ${producers} concurrent producers of one process, each durable when its promise resolves; and by a lone one`,
  figure: "jobsPerSecond",
  unit: "jobs/s",
  better: "higher",
  engines: [
    "ours-postgres",
    "graphile-worker",
    "pg-boss",
    "bullmq",
    "bullmq-always",
    "raw-postgres",
    "raw-postgres-quiet",
    "ours-sqlite",
    "raw-sqlite",
  ],
  sizes: { full: 20_000, quick: 2_000 },
  targets: [
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["graphile-worker", "pg-boss"], atLeast: 15 },
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["bullmq"], atLeast: 1 },
    { ours: "ours-postgres", figure: "lonePerSecond", against: ["raw-postgres"], atLeast: 0.9 },
  ],
  async run(bench, engine, size) {
    const { beside } = await bench.open(engine);
    const aloneCount = Math.ceil(size * lonePart);
    const alone = await beside.call("produce", { producers: 1, count: aloneCount });
    const together = await beside.call("produce", { producers, count: size });
    return {
      jobsPerSecond: (size / together.ms) * 1_000,
      p99Ms: together.p99,
      lonePerSecond: (aloneCount / alone.ms) * 1_000,
      loneP99Ms: alone.p99,
    };
  },
};
