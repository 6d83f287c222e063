import type { Scenario } from "../scenario.ts";

const children = 10;

export const flows: Scenario = {
  name: "flows",
  measures: `flows created and then run by one process: a first job, ${children} side by side, and a next stage (BullMQ: ${children} and their parent, one job less)`,
  figure: "flowsPerSecond",
  unit: "flows/s",
  better: "higher",
  engines: ["ours-postgres", "bullmq", "bullmq-always", "pg-boss", "ours-sqlite"],
  sizes: { full: 1_000, quick: 100 },
  targets: [{ ours: "ours-postgres", figure: "flowsPerSecond", against: ["bullmq"], atLeast: 3 }],
  async run(bench, engine, size) {
    const site = await bench.open(engine);
    const created = await site.beside.call("addFlows", { flows: size, children });
    const { seconds } = await site.drain(await site.workers(1), created.jobs);
    const createSeconds = created.ms / 1_000;
    return { flowsPerSecond: size / (createSeconds + seconds), createSeconds, runSeconds: seconds };
  },
};
