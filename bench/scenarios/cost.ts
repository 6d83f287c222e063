import { cpuSecondsUnder } from "../harness/cpu.ts";
import type { Scenario } from "../scenario.ts";

export const cost: Scenario = {
  name: "cost",
  measures: "CPU cores busy for each 10,000 jobs/s over a job's whole life: enqueued in batches, run, ended",
  figure: "coresPer10k",
  unit: "cores",
  better: "lower",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite", "raw-sqlite"],
  sizes: { full: 100_000, quick: 10_000 },
  targets: [],
  async run(bench, engine, size) {
    const site = await bench.open(engine);
    const producer = [site.beside.pid];
    const before = { node: cpuSecondsUnder(producer), store: cpuSecondsUnder(site.store.pids) };
    await site.beside.call("fill", { count: size });
    const filled = {
      node: cpuSecondsUnder(producer) - before.node,
      store: cpuSecondsUnder(site.store.pids) - before.store,
    };
    const { nodeCpu, storeCpu } = await site.drain(await site.workers(1), size);
    const per10k = 10_000 / size;
    const nodeCores = (filled.node + nodeCpu) * per10k;
    const storeCores = (filled.store + storeCpu) * per10k;
    return { coresPer10k: nodeCores + storeCores, nodeCores, storeCores };
  },
};
