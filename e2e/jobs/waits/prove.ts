/**
 * `npm run prove:waits`: 10,000 jobs that released themselves wait in the store. The worker that ran them grows by less than 5 MB over
 * itself at rest after equal traffic, has no timers for them, and all come back on time (L7; p99 lag reported).
 *
 * Measured with V8's young generation held to 1 MB (`--max-semi-space-size`): left to itself it grows by some 100 MB over the first five waves of traffic,
 * in the main thread and in SQLite's, whether or not a job waits, which hid what is measured here: what is kept. For the same reason control
 * waves go first, of jobs that release themselves and come back at once, until memory at rest stays where it is.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { JobStatus, NewJob, Transporter } from "@provost/jobs";
import { percentile, prove, ProofError, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { countOf, killed, onThrowawayStore } from "../stores.ts";
import type { Measured } from "./worker.ts";

const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
/** They are due one after the other: 500 a second, less than a worker does. */
const apartMs = 2;
const rssMbMax = 5;
/** A hundred bytes for each of 10,000. */
const heapMbMax = 1;
const steadyMb = 1;
const controlWavesMax = 10;
const waitingWaves = 2;
/** Those of the manager's own services come and go; none for a job. */
const moreTimersMax = 5;
/** On time: what the default poll and a busy worker add. */
const lagMsMax = 5_000;
const waitMsMax = 120_000;

type Sizes = Record<"jobs" | "seconds", number>;

/** Due at `first` and after it; 0 when none shall wait. */
function waiting(count: number, first: number): { job: NewJob }[] {
  const fixed = { name: "wait", queue: "default", lane: "short" as const, priority: 100, attempts: 30 };
  return Array.from({ length: count }, (_, n) => {
    const input = JSON.stringify({ dueAt: first === 0 ? 0 : first + n * apartMs });
    return { job: { ...fixed, input, timeoutMs: 60_000, delayMs: 0 } };
  });
}

async function measure(worker: ChildProcess): Promise<Measured> {
  worker.send("measure");
  const [message] = (await once(worker, "message", { signal: AbortSignal.timeout(30_000) })) as [Measured];
  return message;
}

async function untilAll(transporter: Transporter, status: JobStatus, wanted: number, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await countOf(transporter, status);
    if (seen >= wanted) return;
    if (performance.now() > end) throw new ProofError("not_ended", `${seen} of ${wanted} jobs are ${status}`);
    await pause(100);
  }
}

class Waves {
  readonly #transporter: Transporter;
  readonly #worker: ChildProcess;
  readonly #sizes: Sizes;
  #ended = 0;

  constructor(transporter: Transporter, worker: ChildProcess, sizes: Sizes) {
    this.#transporter = transporter;
    this.#worker = worker;
    this.#sizes = sizes;
  }

  /** The same traffic, with nobody waiting: what the worker is at rest after it. */
  async control(): Promise<Measured> {
    await this.#enqueue(0);
    return await this.#back(waitMsMax);
  }

  /** All of them released and waiting, measured, then all of them back, measured again. */
  async waiting(): Promise<{ asleep: Measured; after: Measured }> {
    const { jobs, seconds } = this.#sizes;
    await this.#enqueue(Date.now() + seconds * 1_000);
    await untilAll(this.#transporter, "delayed", jobs, seconds * 1_000);
    const asleep = await measure(this.#worker);
    return { asleep, after: await this.#back(seconds * 1_000 + jobs * apartMs + waitMsMax) };
  }

  async #enqueue(first: number): Promise<void> {
    const items = waiting(this.#sizes.jobs, first);
    const atOnce = 10_000;
    for (let n = 0; n < items.length; n += atOnce) await this.#transporter.enqueue(items.slice(n, n + atOnce));
  }

  async #back(limitMs: number): Promise<Measured> {
    this.#ended += this.#sizes.jobs;
    await untilAll(this.#transporter, "processed", this.#ended, limitMs);
    return await measure(this.#worker);
  }
}

const mb = (value: number): string => `${value.toFixed(1)} MB`;

/** Control waves until memory at rest stays where it is. */
async function warmUp(waves: Waves, { say, check }: Ground<keyof Sizes>): Promise<Measured> {
  let rest = await waves.control();
  const seen = [rest.rssMb];
  for (let isSteady = false; !isSteady && seen.length < controlWavesMax;) {
    const last = rest;
    rest = await waves.control();
    seen.push(rest.rssMb);
    isSteady = seen.length > 2 && Math.abs(rest.rssMb - last.rssMb) < steadyMb;
    if (isSteady) {
      say(`at rest after each control wave: ${seen.map(mb).join(", ")}`);
      return rest;
    }
  }
  check(false, `memory at rest is not steady after ${controlWavesMax} control waves: ${seen.map(mb).join(", ")}`);
  return rest;
}

async function proveWave(waves: Waves, rest: Measured, { numbers, check }: Ground<keyof Sizes>): Promise<Measured> {
  const { asleep, after } = await waves.waiting();
  const { lagsMs } = after;
  const grown = asleep.rssMb - rest.rssMb;
  check(
    asleep.lagsMs.length === 0,
    `${numbers.jobs} jobs wait at once: ${asleep.lagsMs.length} were back before all had gone`,
  );
  check(
    grown < rssMbMax,
    `RSS grew by ${mb(grown)} (${mb(rest.rssMb)} at rest, ${mb(asleep.rssMb)} with ${numbers.jobs} waiting; limit ${rssMbMax} MB)`,
  );
  // Pages at rest may have room for what is kept: the collected heap tells of that too.
  check(
    asleep.heapMb - rest.heapMb < heapMbMax,
    `the main thread's heap: ${mb(rest.heapMb)} at rest, ${mb(asleep.heapMb)} with ${numbers.jobs} waiting (limit ${heapMbMax} MB more)`,
  );
  check(asleep.timers <= rest.timers + moreTimersMax, `${asleep.timers} timers, ${rest.timers} at rest`);
  check(lagsMs.length === numbers.jobs, `${lagsMs.length} of ${numbers.jobs} came back`);
  check(
    lagsMs.every((lag) => lag >= 0),
    "none came back before its time",
  );
  const [p50, p99] = [percentile(lagsMs, 0.5), percentile(lagsMs, 0.99)];
  check(p99 <= lagMsMax, `they came back on time: p50 ${p50} ms, p99 ${p99} ms late (limit ${lagMsMax} ms)`);
  return after;
}

await prove(
  {
    name: "waits",
    about:
      "Jobs that released themselves and wait occupy no memory and no timer of the worker, and come back on time (L7).",
    numbers: {
      jobs: { value: 10_000, about: "that wait at once" },
      seconds: { value: 20, about: "until the first of them are due: all must have been released by then" },
    },
    minutesMax: 15,
  },
  async (ground) => {
    await onThrowawayStore(ground.kind, async (store) => {
      const transporter = storeAt(store.address);
      const execArgv = [...process.execArgv, "--expose-gc", "--max-semi-space-size=1"];
      await transporter.start();
      const worker = fork(workerScript, [store.address], { execArgv });
      try {
        const waves = new Waves(transporter, worker, ground.numbers);
        let rest = await warmUp(waves, ground);
        for (let n = 0; n < waitingWaves; n += 1) rest = await proveWave(waves, rest, ground);
      } finally {
        await killed(worker);
        await transporter.stop();
      }
    });
  },
);
