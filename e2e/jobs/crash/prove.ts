/**
 * `npm run prove:crash`: `kill -9` of managers, of the children that run isolated jobs, and of the database itself, at random for
 * two minutes under load, on SQLite and PostgreSQL. Every enqueue that returned is accounted for (L11), nothing runs twice under one
 * fence (L3), and what a dead manager held is back within 15 s (L9; p99 reported). That commits reach the disk is shown apart: sync calls counted,
 * settings read back. `-- --seconds 20 --store postgres` for less. Linux: needs /proc and strace. Exits with 1 when anything does not hold, or cannot be run.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Job, Transporter } from "@provost/jobs";
import { storeAt } from "../blocked/store.ts";
import { percentile } from "../fairness/store.ts";
import { cannotTry, onThrowawayStore, report, storesAsked, type ProofStore } from "../stores.ts";
import { countSyncs } from "./syncs.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    managers: { type: "string", default: "4" },
    store: { type: "string" },
  },
});
const killingMs = Number(values.seconds) * 1_000;
const managersCount = Number(values.managers);
const managerScript = fileURLToPath(new URL("manager.ts", import.meta.url));
const killEveryMs = 2_000;
const rescueMsMax = 15_000;
const drainMsMax = 120_000;
const countedEnqueues = 100;
const databaseDownMs = 500;

class Killing {
  readonly #store: ProofStore;
  readonly #until = Date.now() + killingMs;
  readonly #managers = new Set<ChildProcess>();
  /** When each killed manager died, by its pid. */
  readonly deaths = new Map<number, number>();
  readonly faults: string[] = [];
  children = 0;
  databases = 0;

  constructor(store: ProofStore) {
    this.#store = store;
  }

  fill(): void {
    while (this.#managers.size < managersCount) {
      const { address, folder } = this.#store;
      const args = [address, join(folder, "enqueued"), join(folder, "runs"), String(this.#until)];
      const child = fork(managerScript, args, { execArgv: process.execArgv });
      this.#managers.add(child);
      child.once("exit", (code, signal) => {
        this.#managers.delete(child);
        if (signal !== "SIGKILL") this.faults.push(`a manager ended by itself with ${code ?? signal}`);
      });
    }
  }

  async run(): Promise<void> {
    for (let n = 0; Date.now() < this.#until; n += 1) {
      this.fill();
      await pause(killEveryMs * (0.5 + Math.random()));
      // The last of four, where there is a server; else another manager.
      if (n % 4 === 3 && this.#store.server !== undefined) await this.#killDatabase();
      else if (n % 2 === 0) this.#killManager();
      else this.#killIsolated();
    }
    this.fill();
  }

  #victim(): ChildProcess | undefined {
    return [...this.#managers][Math.floor(Math.random() * this.#managers.size)];
  }

  #killManager(): void {
    const victim = this.#victim();
    if (victim?.pid !== undefined && victim.kill("SIGKILL")) this.deaths.set(victim.pid, Date.now());
  }

  /** A child of one of our managers: what runs its isolated jobs. */
  #killIsolated(): void {
    const pid = this.#victim()?.pid;
    const list = `/proc/${pid}/task/${pid}/children`;
    const [child] = existsSync(list) ? readFileSync(list, "utf8").trim().split(" ").map(Number) : [];
    if (child === undefined || child === 0) return;
    try {
      process.kill(child, "SIGKILL");
      this.children += 1;
    } catch {
      // It has ended since.
    }
  }

  async #killDatabase(): Promise<void> {
    await this.#store.server?.halt("kill");
    this.databases += 1;
    await pause(databaseDownMs);
    await this.#store.server?.resume();
  }

  async end(): Promise<void> {
    for (const child of this.#managers) {
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
  }
}

async function isDrained(transporter: Transporter): Promise<boolean> {
  const lines = (await transporter.sight.counts()).filter(({ queue }) => queue === "crash");
  return lines.every(({ counts }) => counts.queued + counts.delayed + counts.in_progress === 0);
}

async function jobsOf(transporter: Transporter): Promise<Job[]> {
  const jobs: Job[] = [];
  for (;;) {
    const last = jobs.at(-1);
    const more = last === undefined ? {} : { after: last.id };
    const page = await transporter.list({ queue: "crash", limit: 1_000, ...more });
    if (page.length === 0) return jobs;
    jobs.push(...page);
  }
}

/** From the death of a manager to the end of each attempt it held: then its job is back in the queue. */
async function rescues(transporter: Transporter, jobs: readonly Job[], deaths: Map<number, number>): Promise<number[]> {
  const latencies: number[] = [];
  for (const { id } of jobs.filter(({ attemptsUsed }) => attemptsUsed > 0)) {
    for (const { cause, claimedBy, endedAt } of await transporter.attempts(id)) {
      const diedAt = deaths.get(Number(claimedBy.split(":").at(-2)));
      if (cause === "lost" && diedAt !== undefined) latencies.push(endedAt - diedAt);
    }
  }
  return latencies;
}

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
}

function ledgerFaults(folder: string, jobs: readonly Job[]): { faults: string[]; returned: number; runs: number } {
  const faults: string[] = [];
  const returned = linesOf(join(folder, "enqueued"));
  const found = new Map(jobs.map((job) => [job.id, job]));
  for (const id of returned) {
    const status = found.get(id)?.status;
    // Three deaths of its own process end a job for good (L10): accounted for, with its failure.
    const isEnd =
      status === "processed" || (status === "failed" && found.get(id)?.failure?.code === "crashes_exhausted");
    if (!isEnd) faults.push(`job ${id}, whose enqueue returned, is ${status ?? "lost"}`);
  }
  const runs = linesOf(join(folder, "runs"));
  if (new Set(runs).size < runs.length) faults.push(`${runs.length - new Set(runs).size} attempts ran twice`);
  return { faults, returned: returned.length, runs: runs.length };
}

async function prove(store: ProofStore): Promise<{ figures: object; faults: string[] }> {
  const transporter = storeAt(store.address);
  try {
    await transporter.start();
    const syncs = await countSyncs(store, countedEnqueues);
    const killing = new Killing(store);
    try {
      await killing.run();
      const end = performance.now() + drainMsMax;
      while (!(await isDrained(transporter)) && performance.now() < end) await pause(500);
    } finally {
      await killing.end();
    }
    const jobs = await jobsOf(transporter);
    const { faults, returned, runs } = ledgerFaults(store.folder, jobs);
    faults.push(...killing.faults);
    const latencies = await rescues(transporter, jobs, killing.deaths);
    const p99 = percentile(latencies, 0.99);
    if (latencies.length === 0) faults.push("no killed manager held a started job: nothing is shown");
    if (p99 >= rescueMsMax) faults.push(`rescued after ${p99} ms (p99)`);
    if (syncs.syncCalls < syncs.enqueues) faults.push(`${syncs.enqueues} enqueues made ${syncs.syncCalls} sync calls`);
    const { deaths, children, databases } = killing;
    const killed = { managers: deaths.size, children, databases };
    if (killed.managers * killed.children === 0 || (store.server !== undefined && databases === 0))
      faults.push(`not all kinds were killed: ${JSON.stringify(killed)}`);
    const rescue = { rescued: latencies.length, p50Ms: percentile(latencies, 0.5), p99Ms: p99 };
    const figures = { store: store.kind, enqueuesReturned: returned, runs, killed, rescue, syncs };
    return { figures, faults: faults.map((fault) => `${store.kind}: ${fault}`) };
  } finally {
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
report("crash", figures, faults);
