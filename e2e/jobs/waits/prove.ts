/**
 * `npm run prove:waits`: 10,000 jobs that released themselves wait in the store. The worker that ran them grows by less than 5 MB, has no timers
 * for them, and all come back on time (L7; p99 lag reported), on SQLite and PostgreSQL. A first wave of as many, not measured, warms the
 * worker up. `-- --jobs 2000 --seconds 15 --store sqlite` for less; `--seconds` until the first are due. Exits with 1 when it does not hold, or cannot be run.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { JobStatus, NewJob, Transporter } from "@provost/jobs";
import { storeAt } from "../blocked/store.ts";
import { percentile } from "../fairness/store.ts";
import { cannotTry, onThrowawayStore, ProofError, report, storesAsked, type ProofStore } from "../stores.ts";
import type { Measured } from "./worker.ts";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
    store: { type: "string" },
  },
});
const count = Number(values.jobs);
const firstDueMs = Number(values.seconds) * 1_000;
const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
/** They are due one after the other: 500 a second, less than a worker does. */
const apartMs = 2;
const rssMbMax = 5;
/** Of the manager's own services; not one for each job. */
const timersMax = 20;
/** On time: what the default poll and a busy worker add. */
const lagMsMax = 5_000;
const waitMsMax = 120_000;

function waiting(dueAt: number): { job: NewJob } {
  const input = JSON.stringify({ dueAt });
  const fixed = { name: "wait", queue: "default", lane: "short" as const, priority: 100, attempts: 30 };
  return { job: { ...fixed, input, timeoutMs: 60_000, delayMs: 0 } };
}

async function measure(worker: ChildProcess): Promise<Measured> {
  worker.send("measure");
  const [message] = (await once(worker, "message", { signal: AbortSignal.timeout(30_000) })) as [Measured];
  return message;
}

async function untilAll(transporter: Transporter, status: JobStatus, wanted: number, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    const lines = await transporter.sight.counts();
    const seen = lines.reduce((sum, { counts }) => sum + counts[status], 0);
    if (seen >= wanted) return;
    if (performance.now() > end) throw new ProofError("not_ended", `${seen} of ${wanted} jobs are ${status}`);
    await pause(100);
  }
}

/** One wave: its jobs released and waiting, measured, then all of them back, measured again. */
async function wave(transporter: Transporter, worker: ChildProcess, ended: number): Promise<[Measured, Measured]> {
  const first = Date.now() + firstDueMs;
  await transporter.enqueue(Array.from({ length: count }, (_, n) => waiting(first + n * apartMs)));
  await untilAll(transporter, "delayed", count, firstDueMs);
  const asleep = await measure(worker);
  await untilAll(transporter, "processed", ended + count, firstDueMs + count * apartMs + waitMsMax);
  return [asleep, await measure(worker)];
}

async function prove(store: ProofStore): Promise<{ figures: object; faults: string[] }> {
  const transporter = storeAt(store.address);
  let worker: ChildProcess | undefined;
  try {
    await transporter.start();
    worker = fork(workerScript, [store.address], { execArgv: [...process.execArgv, "--expose-gc"] });
    const [, before] = await wave(transporter, worker, 0);
    const [asleep, after] = await wave(transporter, worker, count);
    const figures = {
      store: store.kind,
      jobs: count,
      rssMbBefore: Math.round(before.rssMb * 10) / 10,
      rssMbWaiting: Math.round(asleep.rssMb * 10) / 10,
      timersBefore: before.timers,
      timersWaiting: asleep.timers,
      back: after.lagsMs.length,
      lagP50Ms: percentile(after.lagsMs, 0.5),
      lagP99Ms: percentile(after.lagsMs, 0.99),
    };
    const faults: string[] = [];
    if (asleep.rssMb - before.rssMb >= rssMbMax) faults.push("the worker grew with the jobs that wait");
    if (asleep.timers > timersMax) faults.push(`${asleep.timers} timers while ${count} jobs wait`);
    if (asleep.lagsMs.length > 0) faults.push(`${asleep.lagsMs.length} jobs were back before all had gone`);
    if (figures.back !== count) faults.push(`${figures.back} of ${count} came back`);
    if (after.lagsMs.some((lag) => lag < 0)) faults.push("a job came back before its time");
    if (figures.lagP99Ms > lagMsMax) faults.push(`p99 came back ${figures.lagP99Ms} ms late`);
    return { figures, faults: faults.map((fault) => `${store.kind}: ${fault}`) };
  } finally {
    worker?.kill("SIGKILL");
    await transporter.stop();
  }
}

const figures: object[] = [];
const faults: string[] = [];
for (const kind of storesAsked(values.store)) {
  const missing = cannotTry(kind);
  if (missing !== undefined) {
    faults.push(missing);
    continue;
  }
  const shown = await onThrowawayStore(kind, prove);
  figures.push(shown.figures);
  faults.push(...shown.faults);
}
report("waits", figures, faults);
