/**
 * `npm run prove:bank`: 100 processes withdraw 1 from a balance of 10,000 until nothing is left (L12), in every scope: managers of one store
 * (SQLite, PostgreSQL), managers of one host, threads and child processes of one manager. With `ensureAtomicity` it ends exact; without,
 * updates are lost, which is shown too. A holder killed with -9 in the section frees it within 1 s. Sections per second are reported.
 * `-- --processes 20 --balance 2000` for less, `--only store-sqlite,host` for some. Exits with 1 when anything does not hold, or cannot be run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { JobManager, type ProcessKind, type SemaphoreScope, type Transporter } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { postgresMissing, startThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { inChild, inThread, type Withdrawals } from "../../../packages/jobs/tests/memory/jobs.ts";
import { Teller } from "../../../packages/jobs/tests/memory/tellers.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "100" },
    balance: { type: "string", default: "10000" },
    only: { type: "string", default: "store-sqlite,host,store-postgres,thread,process" },
  },
});
const processes = Number(values.processes);
const times = Math.ceil(Number(values.balance) / processes);
const balance = processes * times;
/** Enough to lose updates, and no more: it proves nothing else. */
const plainTimes = Math.max(1, Math.ceil(times / 10));
const freedMsMax = 1_000;
const freedRounds = 5;
const only = new Set(values.only.split(","));

type Way = Withdrawals["way"];
/** All withdraw at once, so many times each; what they got together, and how long it took. */
type Withdraw = (key: string, way: Way, times: number) => Promise<{ got: number; seconds: number }>;

const faults: string[] = [];

async function bank(name: string, manager: JobManager, scope: SemaphoreScope, withdraw: Withdraw): Promise<void> {
  const memory = manager.memory(scope);
  await memory.add("atomic", balance);
  const { got, seconds } = await withdraw("atomic", "atomic", times);
  const left = await memory.get("atomic");
  const rate = Math.round(balance / seconds);
  console.log(`${name}: ${processes} withdraw ${balance}: got ${got}, left ${String(left)}; ${rate} sections/s`);
  if (got !== balance || left !== 0) faults.push(`${name}: not exact`);
  const plain = processes * plainTimes;
  await memory.add("plain", plain);
  const without = await withdraw("plain", "plain", plainTimes);
  const lost = without.got + Number(await memory.get("plain")) - plain;
  console.log(`${name}: without ensureAtomicity: ${lost} of ${without.got} updates lost`);
  if (lost <= 0) faults.push(`${name}: without ensureAtomicity nothing was lost, which proves nothing`);
}

/** From the death of a holder to its permit in the hand of one who waits for it. */
async function freed(name: string, manager: JobManager, scope: SemaphoreScope, tellers: Teller[]): Promise<void> {
  const freedMs: number[] = [];
  const semaphore = manager.semaphore("freed", { scope });
  for (const holder of tellers.slice(0, freedRounds)) {
    holder.tell({ act: "hold", name: "freed", scope });
    await holder.next("holding");
    const waiting = semaphore.acquire();
    const killedAt = performance.now();
    await holder.kill();
    const permit = await waiting;
    freedMs.push(performance.now() - killedAt);
    await permit.release();
  }
  const worst = Math.round(Math.max(...freedMs));
  console.log(`${name}: kill -9 in the section: free after ${freedMs.map(Math.round).join(", ")} ms`);
  if (worst > freedMsMax) faults.push(`${name}: free only after ${worst} ms`);
}

/** Managers in processes of their own. */
async function acrossManagers(
  transporter: Transporter,
  [place, schema]: [place: string, schema: string],
  folder: string,
  scopes: [name: string, scope: SemaphoreScope][],
): Promise<void> {
  const hostFolder = join(folder, "host");
  const manager = new JobManager({ transporter, hostFolder });
  const tellers: Teller[] = [];
  try {
    await transporter.start();
    while (tellers.length < processes) tellers.push(new Teller(place, schema, hostFolder));
    for (const teller of tellers) await teller.next("ready");
    for (const [name, scope] of scopes) {
      if (!only.has(name)) continue;
      await bank(name, manager, scope, async (key, way, count) => {
        const startedAt = performance.now();
        for (const teller of tellers) teller.tell({ act: "withdraw", key, scope, times: count, way });
        let got = 0;
        for (const teller of tellers) got += (await teller.next("done")).got;
        return { got, seconds: (performance.now() - startedAt) / 1_000 };
      });
      await freed(name, manager, scope, tellers.splice(0, freedRounds));
      while (tellers.length < processes) tellers.push(await ready(new Teller(place, schema, hostFolder)));
    }
  } finally {
    await Promise.all(tellers.map((teller) => teller.kill()));
    await manager.stop();
    await transporter.stop();
  }
}

async function ready(teller: Teller): Promise<Teller> {
  await teller.next("ready");
  return teller;
}

/** Isolated jobs of one manager. */
async function withinOne(kind: Exclude<ProcessKind, "inline">, folder: string): Promise<void> {
  const { withdraws } = kind === "thread" ? inThread : inChild;
  const transporter = sqlite(join(folder, `${kind}.db`));
  const pool = { min: processes, max: processes };
  const slots = { short: processes };
  const manager = new JobManager({ transporter, jobs: [withdraws], processes: { [kind]: pool }, slots });
  try {
    await manager.start();
    const run: Withdraw = async (key, way, count) => {
      const input: Withdrawals = { key, scope: "manager", times: count, way };
      const startedAt = performance.now();
      const jobs = Array.from({ length: processes }, () => withdraws.with(input));
      const enqueued = await manager.enqueueMany(jobs);
      const each = await Promise.all(enqueued.map(({ id }) => manager.result(withdraws, id, { timeout: "10m" })));
      const got = each.reduce((sum, one) => sum + one, 0);
      return { got, seconds: (performance.now() - startedAt) / 1_000 };
    };
    // All of them are up before the clock runs.
    await manager.memory("manager").add("warm", 0);
    await run("warm", "plain", 1);
    await bank(kind, manager, "manager", run);
  } finally {
    await manager.stop();
    await transporter.stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), "provost-bank-"));
try {
  if (only.has("store-sqlite") || only.has("host")) {
    const file = join(folder, "jobs.db");
    await acrossManagers(sqlite(file), [file, ""], folder, [
      ["store-sqlite", "store"],
      ["host", "host"],
    ]);
  }
  if (only.has("store-postgres")) {
    const missing = postgresMissing();
    if (missing === undefined) {
      const server = await startThrowawayPostgres();
      try {
        await acrossManagers(postgres({ connectionString: server.url, schema: "bank" }), [server.url, "bank"], folder, [
          ["store-postgres", "store"],
        ]);
      } finally {
        await server.stop();
      }
    } else faults.push(`store-postgres was skipped: ${missing}`);
  }
  for (const kind of ["thread", "process"] as const) if (only.has(kind)) await withinOne(kind, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(`FAULT ${fault}`);
process.exit(faults.length === 0 ? 0 : 1);
