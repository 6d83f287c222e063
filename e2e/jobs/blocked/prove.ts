/**
 * `npm run prove:blocked`: a job that blocks its event loop for 60 s, six default leases, is not run twice (L9): inline,
 * thread and process, on SQLite and PostgreSQL, each beside a manager that waits to take it over. `-- --seconds 20` for less.
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
const startMsMax = 30_000;

type Kind = keyof typeof jobs;

/** Runs the three kinds side by side on one store, and says what is not as it should be. */
async function prove(store: string, address: string, folder: string): Promise<string[]> {
  const faults: string[] = [];
  const holders: ChildProcess[] = [];
  const transporter = storeAt(address);
  let taken = 0;
  // The same names, so that it asks for the same jobs; what it gets, it ran a second time.
  const hungry = Object.values(jobs).map(({ name }) =>
    defineJob(name, { input: typed<Block>(), run: () => void (taken += 1) }),
  );
  const manager = new JobManager({ transporter, jobs: hungry, poll: 100 });
  try {
    await transporter.start();
    const ledger = join(folder, `${store}.ledger`);
    const ids = new Map<Kind, string>();
    for (const kind of ["inline", "thread", "process"] as const) {
      ids.set(kind, (await manager.enqueue(jobs[kind], { ms, ledger })).id);
      holders.push(fork(holderScript, [address, kind], { execArgv: process.execArgv }));
    }
    const all = (status: Job["status"]) => async (): Promise<boolean> => {
      const found = await Promise.all([...ids.values()].map((id) => manager.get(id)));
      return found.every((job) => job?.status === status);
    };
    if (!(await within(startMsMax, all("in_progress")))) faults.push(`${store}: not all began within ${startMsMax} ms`);
    await manager.start();
    if (!(await within(ms + startMsMax, all("processed")))) faults.push(`${store}: not all ended after ${ms} ms`);
    const lines = readFileSync(ledger, "utf8").trim().split("\n");
    for (const [kind, id] of ids) {
      const job = await manager.get(id);
      const runs = lines.filter((line) => line.startsWith(`${kind} `)).length;
      const facts = `runs ${runs}, fence ${job?.fence}, attempts lost ${job?.attemptsUsed}, status ${job?.status}`;
      console.log(`${store} ${kind}: blocked for ${ms} ms, ${ms / defaults.leaseMs} leases: ${facts}`);
      if (runs !== 1 || job?.fence !== 1 || job.attemptsUsed !== 0) faults.push(`${store} ${kind}: ${facts}`);
    }
    if (taken > 0) faults.push(`${store}: the second manager took ${taken} jobs`);
  } finally {
    for (const holder of holders) holder.kill("SIGKILL");
    await manager.stop();
    await transporter.stop();
  }
  return faults;
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
