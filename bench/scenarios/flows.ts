import type { FlowShape } from "../engine.ts";
import type { Engine } from "../engines.ts";
import type { Bench } from "../harness/bench-run.ts";
import type { Figures, Scenario } from "../scenario.ts";

const children = 10;

async function createAndRun(bench: Bench, engine: Engine, size: number, shape: FlowShape): Promise<Figures> {
  const site = await bench.open(engine);
  const created = await site.beside.call("addFlows", { flows: size, children, shape });
  const { seconds } = await site.drain(await site.workers(1), created.jobs);
  const createSeconds = created.ms / 1_000;
  return { flowsPerSecond: size / (createSeconds + seconds), createSeconds, runSeconds: seconds };
}

const row = {
  figure: "flowsPerSecond",
  unit: "flows/s",
  better: "higher",
  engines: ["ours-postgres", "bullmq", "bullmq-always", "pg-boss", "ours-sqlite"],
  sizes: { full: 1_000, quick: 100 },
  targets: [{ ours: "ours-postgres", figure: "flowsPerSecond", against: ["bullmq"], atLeast: 3 }],
} as const;

/** What every engine can express: the same jobs, and the same of them wait for others. */
export const flows: Scenario = {
  ...row,
  name: "flows",
  measures: `flows created and then run by one process: ${children} jobs side by side, then their parent, then a next stage`,
  run: async (bench, engine, size) => await createAndRun(bench, engine, size, "tree"),
};

/** What not all can: BullMQ has nothing before its leaves. It runs one job less for each flow, and lets one wait where others let eleven. */
export const flowsFanOut: Scenario = {
  ...row,
  name: "flows-fan-out",
  measures: `flows created and then run by one process: a first job, ${children} side by side, and a next stage (BullMQ: ${children} and their parent, one job less)`,
  run: async (bench, engine, size) => await createAndRun(bench, engine, size, "fan-out"),
};
