import { BenchError } from "../bench-error.ts";
import { nowMs } from "../engine.ts";
import { cpuSecondsUnder, pssMbUnder } from "../harness/cpu.ts";
import type { Scenario } from "../scenario.ts";

const jobMs = 1_000;
/** How many jobs each slot gets. */
const turns = 6;

export const slots: Scenario = {
  name: "slots",
  measures:
    "what a slot costs that runs one job of 1 s at a time, in a thread or process of its own (a forked PHP process takes 10 MB)",
  figure: "pssPerSlotMb",
  unit: "PSS per slot, MB",
  better: "lower",
  engines: ["ours-threads", "ours-processes"],
  sizes: { full: 80, quick: 4 },
  targets: [],
  async run(bench, engine, size) {
    const site = await bench.open(engine);
    await site.beside.call("fill", { count: size * turns, job: { payload: { ms: jobMs } } });
    const [worker] = await site.workers(1);
    if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
    const before = { mb: pssMbUnder([worker.pid]), cpu: cpuSecondsUnder([worker.pid]), at: nowMs() };
    await worker.call("work", { concurrency: size });
    await site.handled(worker, size);
    const [since, cpu] = [nowMs(), cpuSecondsUnder([worker.pid])];
    const mb = pssMbUnder([worker.pid]);
    await site.handled(worker, size * turns);
    return {
      pssPerSlotMb: (mb - before.mb) / size,
      // Until each has ended a first job.
      startSeconds: (since - before.at - jobMs) / 1_000,
      startCpuMsPerSlot: ((cpu - before.cpu) / size) * 1_000,
      jobsPerSecond: (size * (turns - 1) * 1_000) / (nowMs() - since),
    };
  },
};
