import { setTimeout as sleep } from "node:timers/promises";
import { BenchError } from "../bench-error.ts";
import type { Agent } from "../harness/agent.ts";
import type { Traced } from "../harness/operations.ts";
import { nowMs } from "../engine.ts";
import { percentile } from "../harness/figures.ts";
import type { Scenario } from "../scenario.ts";

const slotsBusy = 8;
const jobMs = 100;
/** Between two urgent jobs: one and a half ordinary ones, so that each meets full slots. */
const everyMs = 150;
/** What eight slots get through between two, and a little more. */
const ordinaryPerTrial = 20;
const boundMs = 30_000;

/**
 * Ordinary jobs that were started before the urgent one, though it was there: those aside for whom a slot was free by then, since their claim may have
 * been under way.
 */
export function overtakers(traces: readonly Traced[], urgentStart: number, enqueuedAt: number): number {
  const running = traces.filter(({ start, end }) => start <= enqueuedAt && end > enqueuedAt).length;
  const after = traces.filter(({ start, isUrgent }) => !isUrgent && start > enqueuedAt && start < urgentStart).length;
  return Math.max(0, after - (slotsBusy - running));
}

/** The traces, once so many urgent jobs have ended: they run on while it waits. */
async function tracesWith(worker: Agent, count: number): Promise<Traced[]> {
  for (const until = nowMs() + boundMs; nowMs() < until; await sleep(jobMs)) {
    const traces = await worker.call("traces");
    if (traces.filter(({ isUrgent }) => isUrgent).length < count) continue;
    // Those that ran beside the last one end too.
    await sleep(2 * jobMs);
    return await worker.call("traces");
  }
  throw new BenchError("not_ended", `fewer than ${count} urgent jobs had ended after ${boundMs} ms`);
}

export const urgent: Scenario = {
  name: "urgent",
  measures: `jobs of priority 255, enqueued by another process while ${slotsBusy} slots run jobs of ${jobMs} ms of a long queue: the part that started on the next slot that became free`,
  figure: "onNextSlot",
  unit: "of trials",
  better: "higher",
  engines: ["ours-postgres", "ours-sqlite"],
  sizes: { full: 1_000, quick: 20 },
  targets: [
    { ours: "ours-postgres", figure: "onNextSlot", atLeast: 1 },
    { ours: "ours-sqlite", figure: "onNextSlot", atLeast: 1 },
  ],
  async run(bench, engine, size) {
    const site = await bench.open(engine);
    await site.beside.call("fill", { count: size * ordinaryPerTrial, job: { payload: { ms: jobMs } } });
    const [worker] = await site.workers(1);
    if (worker === undefined) throw new BenchError("not_ended", "no worker was started");
    await worker.call("work", { concurrency: slotsBusy, traced: true });
    await site.handled(worker, slotsBusy);
    const enqueued = await site.beside.call("interrupt", { count: size, everyMs, jobMs });
    const traces = await tracesWith(worker, size);
    const started = traces.filter(({ isUrgent }) => isUrgent).toSorted((a, b) => a.start - b.start);
    const passed = started.map((trace, index) => overtakers(traces, trace.start, enqueued[index] ?? Number.NaN));
    const waits = started.map(({ start }, index) => start - (enqueued[index] ?? Number.NaN)).toSorted((a, b) => a - b);
    return {
      onNextSlot: passed.filter((count) => count === 0).length / size,
      overtakenMost: Math.max(...passed),
      waitP50Ms: percentile(waits, 0.5),
      waitP99Ms: percentile(waits, 0.99),
    };
  },
};
