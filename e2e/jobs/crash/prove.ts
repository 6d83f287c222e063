/**
 * `npm run prove:crash`: `kill -9` of managers, of the children that run isolated jobs, and of the database itself, at random for
 * two minutes under load, on SQLite and PostgreSQL. Every enqueue that returned is accounted for (L11), nothing runs twice under one
 * fence (L3), and what a dead manager held is back within 15 s (L9; p99 reported). That commits reach the disk is shown apart: sync calls counted,
 * settings read back. Linux: needs /proc and strace.
 */
import { fork, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Job, Transporter } from "@provost/jobs";
import { percentile, prove, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { allJobs, killed, onThrowawayStore, until, type ProofStore } from "../stores.ts";
import { countSyncs } from "./syncs.ts";

const managerScript = fileURLToPath(new URL("manager.ts", import.meta.url));
const killEveryMs = 2_000;
const rescueMsMax = 15_000;
const drainMsMax = 120_000;
const countedEnqueues = 100;
const databaseDownMs = 500;
const startMsMax = 120_000;

type Sizes = Ground<"seconds" | "managers">["numbers"];

class Killing {
  readonly #store: ProofStore;
  readonly #sizes: Sizes;
  /** Those that have told that they run jobs: whoever dies before shows nothing. */
  readonly #started = new Set<ChildProcess>();
  #isEnough = false;
  readonly #managers = new Set<ChildProcess>();
  /** When each killed manager died, by its pid. */
  readonly deaths = new Map<number, number>();
  readonly faults: string[] = [];
  children = 0;
  databases = 0;

  constructor(store: ProofStore, sizes: Sizes) {
    this.#store = store;
    this.#sizes = sizes;
  }

  fill(): void {
    while (this.#managers.size < this.#sizes.managers) {
      const { address, folder } = this.#store;
      const args = [address, join(folder, "enqueued"), join(folder, "runs")];
      const child = fork(managerScript, args, { execArgv: process.execArgv });
      this.#managers.add(child);
      child.once("message", () => this.#started.add(child));
      if (this.#isEnough) child.send("enough");
      child.once("exit", (code, signal) => {
        this.#managers.delete(child);
        this.#started.delete(child);
        if (signal !== "SIGKILL") this.faults.push(`a manager ended by itself with ${code ?? signal}`);
      });
    }
  }

  async run(): Promise<void> {
    this.fill();
    await until(async () => this.#started.size === this.#sizes.managers, startMsMax);
    const end = Date.now() + this.#sizes.seconds * 1_000;
    for (let n = 0; Date.now() < end; n += 1) {
      this.fill();
      await pause(killEveryMs * (0.5 + Math.random()));
      // The last of four, where there is a server; else another manager.
      if (n % 4 === 3 && this.#store.server !== undefined) await this.#killDatabase();
      else if (n % 2 === 0) this.#killManager();
      else this.#killIsolated();
    }
    this.#isEnough = true;
    for (const child of this.#managers) if (child.connected) child.send("enough");
    this.fill();
  }

  #victim(): ChildProcess | undefined {
    return [...this.#started][Math.floor(Math.random() * this.#started.size)];
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
    await Promise.all([...this.#managers].map(killed));
  }
}

async function isDrained(transporter: Transporter): Promise<boolean> {
  const lines = (await transporter.sight.counts()).filter(({ queue }) => queue === "crash");
  return lines.every(({ counts }) => counts.queued + counts.delayed + counts.in_progress === 0);
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

async function drained(transporter: Transporter): Promise<void> {
  const end = performance.now() + drainMsMax;
  while (!(await isDrained(transporter)) && performance.now() < end) await pause(500);
}

async function proveOn(store: ProofStore, { numbers, say, check }: Ground<keyof Sizes>): Promise<void> {
  const transporter = storeAt(store.address);
  const killing = new Killing(store, numbers);
  try {
    await transporter.start();
    const { enqueues, syncCalls, settings } = await countSyncs(store, countedEnqueues);
    check(syncCalls >= enqueues, `${enqueues} enqueues made ${syncCalls} sync calls; ${JSON.stringify(settings)}`);
    await killing.run();
    await drained(transporter);
    await killing.end();
    const jobs = await allJobs(transporter, { queue: "crash" });
    const { faults, returned, runs } = ledgerFaults(store.folder, jobs);
    const { deaths, children, databases } = killing;
    const isEach = deaths.size * children > 0 && (store.server === undefined || databases > 0);
    check(isEach, `killed: ${deaths.size} managers, ${children} isolated children, ${databases} times the database`);
    check(killing.faults.length === 0, `no manager ended by itself ${killing.faults.slice(0, 5).join("; ")}`);
    say(`${runs} attempts of ${jobs.length} jobs`);
    check(
      returned > 0 && faults.length === 0,
      `${returned} enqueues returned, all accounted for ${faults.slice(0, 5).join("; ")}`,
    );
    const latencies = await rescues(transporter, jobs, deaths);
    check(latencies.length > 0, `${latencies.length} attempts died with their managers`);
    const [p50, p99] = [percentile(latencies, 0.5), percentile(latencies, 0.99)];
    check(p99 < rescueMsMax, `they were back after p50 ${p50} ms, p99 ${p99} ms (limit ${rescueMsMax} ms)`);
  } finally {
    await killing.end();
    await transporter.stop();
  }
}

await prove(
  {
    name: "crash",
    about:
      "kill -9 of managers, isolated children and the database under load: every enqueue that returned is accounted for (L11, L3, L9).",
    numbers: {
      seconds: { value: 120, about: "of killing, on each store" },
      managers: { value: 4, about: "that run and enqueue jobs; one that dies is replaced" },
    },
    minutesMax: 20,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
