/**
 * `npm run prove:blocked`: a job that blocks its event loop for 60 s, six default leases, is not run twice (L9): inline,
 * thread and process, on SQLite and PostgreSQL, each beside a manager that waits to take it over. Jobs claimed behind the
 * inline one, and not begun, go to that manager meanwhile, at no cost (L4). `-- --seconds 20` for less, 12 at least.
 * Exits with 1 when anything does not hold, or cannot be run.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { defaults, defineJob, JobManager, typed, type Job } from "@provost/jobs";
import { postgresMissing, startThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { jobs, type Block } from "./jobs.ts";
import { storeAt } from "./store.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" } } });
const ms = Number(values.seconds) * 1_000;
const holderScript = fileURLToPath(new URL("holder.ts", import.meta.url));
const startMsMax = 60_000;
/** Claimed in one batch with the inline job, behind it in order. */
const behindCount = 20;

type Kind = keyof typeof jobs;

/** Runs the three kinds side by side on one store, and says what is not as it should be. */
async function prove(store: string, address: string, folder: string): Promise<string[]> {
  const faults: string[] = [];
  const holders: ChildProcess[] = [];
  const transporter = storeAt(address);
  const taken: string[] = [];
  // The same names, so that it asks for the same jobs; what it gets, it ran a second time.
  const hungry = Object.values(jobs).map(({ name }) =>
    defineJob(name, { input: typed<Block>(), run: ({ jobId }) => void taken.push(jobId) }),
  );
  const manager = new JobManager({ transporter, jobs: hungry, poll: 100 });
  try {
    await transporter.start();
    const ledger = join(folder, `${store}.ledger`);
    const ids = new Map<Kind, string>();
    const request = jobs.inline.with({ ms: 0, ledger }, { priority: 1 });
    const behind = (await manager.enqueueMany(Array.from({ length: behindCount }, () => request))).map(({ id }) => id);
    for (const kind of ["inline", "thread", "process"] as const) {
      ids.set(kind, (await manager.enqueue(jobs[kind], { ms, ledger })).id);
      holders.push(fork(holderScript, [address, kind], { execArgv: process.execArgv }));
    }
    const blocked = [...ids.values()];
    const all = (jobIds: readonly string[], holds: (job: Job) => boolean) => async (): Promise<boolean> => {
      const found = await Promise.all(jobIds.map((id) => manager.get(id)));
      return found.every((job) => job !== undefined && holds(job));
    };
    // Those behind may have been given back by now: a claim leaves its fence.
    const claimed = all([...blocked, ...behind], ({ fence }) => fence === 1);
    if (!(await within(startMsMax, claimed))) faults.push(`${store}: not all were claimed within ${startMsMax} ms`);
    await manager.start();
    const since = performance.now();
    if (!(await within(ms, all(behind, isProcessed)))) faults.push(`${store}: what was claimed behind stayed there`);
    console.log(`${store}: ${behindCount} behind it ran elsewhere after ${Math.round(performance.now() - since)} ms`);
    if (!(await all(blocked, ({ status }) => status === "in_progress")()))
      faults.push(`${store}: not all blocked for as long as that`);
    if (!(await within(ms + startMsMax, all(blocked, isProcessed)))) faults.push(`${store}: not all ended in time`);
    const lines = readFileSync(ledger, "utf8").trim().split("\n");
    for (const [kind, id] of ids) {
      const job = await manager.get(id);
      const runs = lines.filter((line) => line.startsWith(`${kind} `)).length;
      const facts = `runs ${runs}, fence ${job?.fence}, attempts lost ${job?.attemptsUsed}, status ${job?.status}`;
      console.log(`${store} ${kind}: blocked for ${ms} ms, ${ms / defaults.leaseMs} leases: ${facts}`);
      if (runs !== 1 || job?.fence !== 1 || job.attemptsUsed !== 0 || job.status !== "processed")
        faults.push(`${store} ${kind}: ${facts}`);
    }
    const costs = await Promise.all(behind.map(async (id) => (await manager.get(id))?.attemptsUsed));
    if (costs.some((used) => used !== 0)) faults.push(`${store}: going elsewhere cost attempts: ${costs.join(", ")}`);
    const wrong = blocked.filter((id) => taken.includes(id));
    if (wrong.length > 0) faults.push(`${store}: the second manager took blocked jobs: ${wrong.join(", ")}`);
    if (taken.length !== behindCount) faults.push(`${store}: the second manager ran ${taken.length} of ${behindCount}`);
  } finally {
    for (const holder of holders) holder.kill("SIGKILL");
    await manager.stop();
    await transporter.stop();
  }
  return faults;
}

function isProcessed({ status }: Job): boolean {
  return status === "processed";
}

async function within(limitMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if (await holds()) return true;
    await pause(100);
  }
  return false;
}

const folder = mkdtempSync(join(tmpdir(), "provost-blocked-"));
const faults: string[] = [];
try {
  faults.push(...(await prove("SQLite", join(folder, "jobs.db"), folder)));
  const missing = postgresMissing();
  if (missing === undefined) {
    const server = await startThrowawayPostgres();
    try {
      faults.push(...(await prove("PostgreSQL", server.url, folder)));
    } finally {
      await server.stop();
    }
  } else faults.push(`PostgreSQL was not tried: ${missing}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(`does not hold: ${fault}`);
console.log(faults.length === 0 ? "holds: nothing ran twice" : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
