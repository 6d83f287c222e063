import type { Figures, Scenario } from "../scenario.ts";
import type { Engine } from "../engines.ts";
import type { Bench } from "../harness/bench-run.ts";

/** An engine's defaults may be made for another pace: what it has done after 20 s of a full run, less of a look, is its rate. */
const defaultsMsPerJob = 0.2;

/** Empties a store of jobs that do nothing, with so many worker processes. */
export async function drain(bench: Bench, engine: Engine, size: number, processes: number): Promise<Figures> {
  const site = await bench.open(engine);
  await site.beside.call("fill", { count: size });
  const workers = await site.workers(processes);
  const drained = await site.drain(workers, size, engine.defaults ? { msMax: size * defaultsMsPerJob } : {});
  const { jobs, seconds, nodeCpu, storeCpu } = drained;
  const per10k = 10_000 / jobs;
  return { jobsPerSecond: jobs / seconds, nodeCoresPer10k: nodeCpu * per10k, storeCoresPer10k: storeCpu * per10k };
}

const row = { figure: "jobsPerSecond", unit: "jobs/s", better: "higher" } as const;
const sizes = { full: 100_000, quick: 10_000 };

/** The first rows of the table: one worker process, each engine's defaults beside. */
export const drainOne: Scenario = {
  ...row,
  name: "drain",
  measures: "no-op jobs run to a durable end by one worker process",
  engines: [
    "ours-postgres",
    "graphile-worker",
    "pg-boss",
    "bullmq",
    "bullmq-always",
    "raw-postgres",
    "ours-sqlite",
    "raw-sqlite",
    "ours-postgres-defaults",
    "graphile-worker-defaults",
    "pg-boss-defaults",
    "bullmq-defaults",
  ],
  sizes,
  targets: [
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["graphile-worker"], atLeast: 1.5 },
    { ours: "ours-sqlite", figure: "jobsPerSecond", against: ["raw-sqlite"], atLeast: 0.7 },
  ],
  run: async (bench, engine, size) => await drain(bench, engine, size, 1),
};

/** The same with two worker processes. */
export const drainTwo: Scenario = {
  ...row,
  name: "drain-two",
  measures: "no-op jobs run to a durable end by two worker processes",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite"],
  sizes,
  targets: [{ ours: "ours-postgres", figure: "jobsPerSecond", against: ["graphile-worker"], atLeast: 1.3 }],
  run: async (bench, engine, size) => await drain(bench, engine, size, 2),
};
