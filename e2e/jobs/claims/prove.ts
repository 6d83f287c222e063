/**
 * `npm run prove:claims`: 200 and then 500 OS processes claim 50,000 jobs from one PostgreSQL, and 50 from one SQLite file,
 * while some are killed (`kill -9`) at random and others sleep past their leases. Each writes a ledger. No attempt runs twice, no old fence
 * settles anything, nothing is lost (L3, L11). `-- --processes 20 --jobs 2000 --store postgres` for less; `--seconds` bounds
 * each run. Exits with 1 when anything does not hold, or cannot be run.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { JobManager, type Job, type NewJob, type Transporter } from "@provost/jobs";
import { storeAt } from "../blocked/store.ts";
import { cannotTry, onThrowawayStore, report, storesAsked, type ProofStore } from "../stores.ts";
import { faultsOf, readLedger } from "./ledger.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string" },
    jobs: { type: "string", default: "50000" },
    store: { type: "string" },
    seconds: { type: "string", default: "1200" },
  },
});
const jobsCount = Number(values.jobs);
const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
const leaseMs = 3_000;
/** Starting a process costs the machine more than a thousand claims: a few at a time. */
const startedPerSecond = 20;
/** The part of the processes that is killed in a second: each lives some 50 s. */
const killedPart = 0.02;
const enqueuedAtOnce = 10_000;

const job: NewJob = {
  name: "work",
  queue: "claims",
  lane: "short",
  input: "{}",
  priority: 100,
  attempts: 30,
  timeoutMs: 60_000,
  delayMs: 0,
};

/** The claiming processes: started one by one, killed at random, replaced. */
class Crowd {
  readonly #store: ProofStore;
  readonly #alive = new Set<ChildProcess>();
  readonly #wanted: number;
  readonly faults: string[] = [];
  started = 0;
  killed = 0;

  constructor(store: ProofStore, wanted: number) {
    this.#store = store;
    this.#wanted = wanted;
  }

  get size(): number {
    return this.#alive.size;
  }

  /** Starts those that are missing, at most `most`. */
  fill(most: number): void {
    for (let n = 0; n < most && this.#alive.size < this.#wanted; n += 1) {
      this.started += 1;
      const ledger = join(this.#store.folder, `${this.started}.ledger`);
      // Some sleepers in any run, however short.
      const args = [this.#store.address, ledger, String(leaseMs), String(Math.ceil(jobsCount / this.#wanted / 2))];
      const child = fork(workerScript, args, { execArgv: process.execArgv });
      this.#alive.add(child);
      child.once("exit", (code, signal) => {
        this.#alive.delete(child);
        if (signal !== "SIGKILL" && code !== 0) this.faults.push(`a process ended by itself with ${code ?? signal}`);
      });
    }
  }

  killOne(): void {
    const victim = [...this.#alive][Math.floor(Math.random() * this.#alive.size)];
    if (victim?.kill("SIGKILL") === true) this.killed += 1;
  }

  async end(): Promise<void> {
    const exits = [...this.#alive].map(async (child) => {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    });
    await Promise.all(exits);
  }
}

async function unfinished(transporter: Transporter): Promise<number> {
  const lines = await transporter.sight.counts();
  return lines.reduce((sum, { counts }) => sum + counts.queued + counts.delayed + counts.in_progress, 0);
}

async function allJobs(transporter: Transporter): Promise<Job[]> {
  const jobs: Job[] = [];
  for (;;) {
    const last = jobs.at(-1);
    const page = await transporter.list({ limit: 1_000, ...(last === undefined ? {} : { after: last.id }) });
    if (page.length === 0) return jobs;
    jobs.push(...page);
  }
}

async function prove(store: ProofStore, processes: number): Promise<{ figures: object; faults: string[] }> {
  const transporter = storeAt(store.address);
  // Runs nothing: rescues what the killed and the sleepers hold, and promotes what comes back.
  const manager = new JobManager({ transporter, lease: leaseMs });
  const crowd = new Crowd(store, processes);
  let biggest = 0;
  const since = performance.now();
  try {
    await manager.start();
    const ids = new Set<string>();
    for (let left = jobsCount; left > 0; left -= enqueuedAtOnce) {
      const items = Array.from({ length: Math.min(left, enqueuedAtOnce) }, () => ({ job }));
      for (const added of await transporter.enqueue(items)) for (const id of added.ids) ids.add(id);
    }
    const end = performance.now() + Number(values.seconds) * 1_000;
    while ((await unfinished(transporter)) > 0 && performance.now() < end) {
      crowd.fill(startedPerSecond);
      await pause(1_000);
      biggest = Math.max(biggest, crowd.size);
      for (let left = crowd.size * killedPart; Math.random() < left; left -= 1) crowd.killOne();
    }
    const left = await unfinished(transporter);
    if (left > 0) crowd.faults.push(`${left} jobs had not ended after ${values.seconds} s`);
    await crowd.end();
    const ledger = readLedger(store.folder);
    const faults = [...crowd.faults, ...faultsOf(ledger, ids, await allJobs(transporter))];
    if (biggest < processes)
      faults.push(`only ${biggest} of ${processes} processes claimed at once: enqueue more jobs`);
    if (crowd.killed === 0) faults.push("nobody was killed: nothing is shown");
    if (ledger.refused + ledger.stale === 0) faults.push("no old fence was tried: nothing is shown");
    const figures = {
      store: store.kind,
      processes: biggest,
      jobs: ids.size,
      attempts: ledger.runs.size,
      killed: crowd.killed,
      lateSettlementsRefused: ledger.refused,
      oldFencesTried: ledger.stale,
      seconds: Math.round((performance.now() - since) / 1_000),
    };
    return { figures, faults: faults.map((fault) => `${store.kind}, ${processes} processes: ${fault}`) };
  } finally {
    await crowd.end();
    await manager.stop();
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
  const counts = values.processes === undefined ? (kind === "SQLite" ? [50] : [200, 500]) : [Number(values.processes)];
  for (const processes of counts) {
    const shown = await onThrowawayStore(kind, (store) => prove(store, processes), processes + 60);
    console.log(JSON.stringify(shown.figures));
    figures.push(shown.figures);
    faults.push(...shown.faults);
  }
}
report("claims", figures, faults);
