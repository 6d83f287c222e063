import { Client } from "pg";
import { BenchError } from "../bench-error.ts";
import { rateBetween } from "../harness/marks.ts";
import { markEvery } from "../harness/operations.ts";
import type { Scenario } from "../scenario.ts";

const edgeMax = 20_000;
const edgePart = 0.1;

export const heldSnapshot: Scenario = {
  name: "held-snapshot",
  measures: "jobs run while another session's transaction keeps its snapshot: the last 20,000 beside the first 20,000",
  figure: "lastPerSecond",
  unit: "jobs/s",
  better: "higher",
  // Not the raw loop: its small claims each walk over all that is dead, for hours.
  engines: ["ours-postgres", "graphile-worker", "pg-boss"],
  sizes: { full: 1_000_000, quick: 40_000 },
  targets: [
    { ours: "ours-postgres", figure: "lastToFirst", atLeast: 0.9 },
    { ours: "ours-postgres", figure: "lastPerSecond", against: ["graphile-worker", "pg-boss"], atLeast: 2 },
  ],
  async run(bench, engine, size) {
    const site = await bench.open(engine);
    const holder = new Client({ connectionString: site.store.address });
    await holder.connect();
    try {
      // The first statement takes the snapshot; nothing that dies after it can be vacuumed away.
      await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
      await holder.query("SELECT count(*) FROM pg_class");
      await site.beside.call("fill", { count: size });
      const [worker] = await site.workers(1);
      if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
      await worker.call("work", {});
      await site.handled(worker, size);
      const marks = await worker.call("marks");
      const edge = Math.min(edgeMax, Math.round((size * edgePart) / markEvery) * markEvery);
      const firstPerSecond = rateBetween(marks, markEvery, markEvery + edge);
      const lastPerSecond = rateBetween(marks, size - edge, size);
      const allPerSecond = rateBetween(marks, markEvery, size);
      return { lastPerSecond, firstPerSecond, allPerSecond, lastToFirst: lastPerSecond / firstPerSecond };
    } finally {
      await holder.end();
    }
  },
};
