import { BenchError } from "../bench-error.ts";
import type { Engine } from "../engines.ts";
import type { Bench } from "../harness/bench-run.ts";
import { rateBetween } from "../harness/marks.ts";
import { markEvery } from "../harness/operations.ts";
import type { Scenario } from "../scenario.ts";

const delayMs = 3_600_000;
const readyMin = 4_000;
const readyPart = 0.04;

/** Rate of the ready ones: all but the first thousand, until the last has run. */
async function rateBeside(bench: Bench, engine: Engine, ready: number, clog: number): Promise<number> {
  const site = await bench.open(engine);
  if (clog > 0) {
    const delayed = { first: true, delayMs };
    const hasGates = engine.side === "ours";
    await site.beside.call("fill", { count: hasGates ? clog : 2 * clog, job: delayed });
    if (hasGates) await site.beside.call("addGated", { count: clog });
  }
  await site.beside.call("fill", { count: ready });
  const [worker] = await site.workers(1);
  if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
  await worker.call("work", {});
  await site.handled(worker, ready);
  const rate = rateBetween(await worker.call("marks"), markEvery, ready);
  await worker.close();
  return rate;
}

export const clogged: Scenario = {
  name: "clogged",
  measures:
    "ready jobs beside as many delayed as gated ones of higher priority (peers: all of them delayed), and without them",
  figure: "besideThem",
  unit: "jobs/s",
  better: "higher",
  engines: ["ours-postgres", "graphile-worker", "pg-boss", "bullmq", "raw-postgres", "ours-sqlite"],
  sizes: { full: 500_000, quick: 10_000 },
  targets: [{ ours: "ours-postgres", figure: "besideToWithout", atLeast: 0.9 }],
  async run(bench, engine, size) {
    const ready = Math.max(readyMin, Math.round((size * readyPart) / markEvery) * markEvery);
    const withoutThem = await rateBeside(bench, engine, ready, 0);
    const besideThem = await rateBeside(bench, engine, ready, size);
    return { besideThem, withoutThem, besideToWithout: besideThem / withoutThem };
  },
};
