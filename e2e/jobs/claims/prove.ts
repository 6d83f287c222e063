/**
 * `npm run prove:claims`: 200 and then 500 OS processes claim 50,000 jobs from one PostgreSQL, and 50 from one SQLite file,
 * while some are killed (`kill -9`) at random and others sleep past their leases. Each writes a ledger. No attempt runs twice, no old fence
 * settles anything, nothing is lost (L3, L11).
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { JobManager, type NewJob, type Transporter } from "@provost/jobs";
import { prove, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { allJobs, countOf, onThrowawayStore, type ProofStore } from "../stores.ts";
import { Crowd } from "./crowd.ts";
import { faultsOf, readLedger } from "./ledger.ts";

const leaseMs = 3_000;
/** The part of the processes that is killed in a second: each lives some 50 s. */
const killedPart = 0.02;
const enqueuedAtOnce = 10_000;
/** For one process; 2 cores start five in a second. */
const startMsMax = 2_000;
const settleMsMax = 60_000;

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

async function enqueue(transporter: Transporter, count: number): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let left = count; left > 0; left -= enqueuedAtOnce) {
    const items = Array.from({ length: Math.min(left, enqueuedAtOnce) }, () => ({ job }));
    for (const added of await transporter.enqueue(items)) for (const id of added.ids) ids.add(id);
  }
  return ids;
}

/** What the processes have for themselves: what many of them share is counted in parts (PSS). MB for one. */
function memoryOf(pids: readonly number[]): string {
  if (process.platform !== "linux") return "not told on this system";
  const kb = pids.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]));
  return `${(kb.reduce((sum, each) => sum + each, 0) / 1_024 / pids.length).toFixed(1)} MB (PSS)`;
}

type Sizes = Ground<"processes" | "jobs" | "seconds">;

/** Kills and replaces until every job has ended; how many claimed at once at most. */
async function killUntilEnded(transporter: Transporter, crowd: Crowd, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while ((await countOf(transporter, "queued", "delayed", "in_progress")) > 0 && performance.now() < end) {
    await pause(1_000);
    for (let left = crowd.size * killedPart; Math.random() < left; left -= 1) crowd.killOne();
  }
}

async function proveOn(store: ProofStore, processes: number, { numbers, say, check }: Sizes): Promise<void> {
  const transporter = storeAt(store.address);
  // Runs nothing: rescues what the killed and the sleepers hold, and promotes what comes back.
  const manager = new JobManager({ transporter, lease: leaseMs });
  // Some sleepers in any run, however short.
  const crowd = new Crowd(store, processes, [String(leaseMs), String(Math.ceil(numbers.jobs / processes / 2))]);
  try {
    await manager.start();
    await crowd.gather(processes * startMsMax + settleMsMax);
    say(`${crowd.size} processes claim, each with ${memoryOf(crowd.pids)} of memory`);
    const since = performance.now();
    const ids = await enqueue(transporter, numbers.jobs);
    await killUntilEnded(transporter, crowd, numbers.seconds);
    const seconds = Math.round((performance.now() - since) / 1_000);
    await crowd.end();
    const left = await countOf(transporter, "queued", "delayed", "in_progress");
    check(left === 0, `${processes} processes ended ${ids.size - left} of ${ids.size} jobs in ${seconds} s`);
    const ledger = readLedger(store.folder);
    const faults = [...crowd.faults, ...faultsOf(ledger, ids, await allJobs(transporter))];
    check(crowd.killed > 0, `${crowd.killed} were killed`);
    check(
      ledger.refused + ledger.stale > 0 && ledger.staleApplied === 0,
      `old fences: ${ledger.stale} tried, ${ledger.staleApplied} applied; ${ledger.refused} late settlements refused`,
    );
    check(
      faults.length === 0,
      `${ledger.runs.size} attempts, none twice, none lost: ${faults.length} faults ${faults.slice(0, 10).join("; ")}`,
    );
  } finally {
    await crowd.end();
    await manager.stop();
    await transporter.stop();
  }
}

await prove(
  {
    name: "claims",
    about:
      "Processes that are killed and others that oversleep claim from one store: each attempt has one claimant (L3, L11).",
    numbers: {
      processes: { value: 0, about: "that claim at once; 0: 50 on SQLite, 200 and then 500 on PostgreSQL" },
      jobs: { value: 50_000, about: "that they end" },
      seconds: { value: 1_200, about: "in which they must have ended, for each number of processes" },
    },
    minutesMax: 90,
  },
  async (ground) => {
    const byDefault = ground.kind === "SQLite" ? [50] : [200, 500];
    const { processes } = ground.numbers;
    for (const count of processes === 0 ? byDefault : [processes]) {
      const settings = { max_connections: String(count + 60), shared_buffers: "256MB" };
      await onThrowawayStore(ground.kind, (store) => proveOn(store, count, ground), settings);
    }
  },
);
