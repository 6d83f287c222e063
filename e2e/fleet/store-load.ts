import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SqlAccess } from "@provost/jobs";
import { cpuSecondsUnder } from "../../bench/harness/cpu.ts";
import type { Provost } from "../harness/provost.ts";
import type { ProofStore } from "../jobs/stores.ts";
import { number } from "./records.ts";

/** What a store has done since its start, by name and unit; two of them make a load. */
export type StoreWork = Readonly<Record<string, number>>;

/**
 * A server's own counts, and the processor time of its processes. SQLite keeps no counts and lives in Provost's process, whose
 * processor time it shares: there it is what the kernel wrote to disk for that process.
 */
export async function storeWork({ server }: ProofStore, sql: SqlAccess, provost: Provost): Promise<StoreWork> {
  if (server === undefined) return { "kB to disk": provost.bytesWritten() / 1_000 };
  const [pid = ""] = readFileSync(join(server.folder, "data", "postmaster.pid"), "utf8").split("\n");
  const rows =
    "select tup_inserted + tup_updated + tup_deleted from pg_stat_database where datname = current_database()";
  return {
    "rows written": await number(sql, rows),
    "kB of log": (await number(sql, "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) / 1_000,
    "% of a processor": cpuSecondsUnder([Number(pid)]) * 100,
  };
}

/** Each second of a time of `seconds`, as text. */
export function storeLoad(before: StoreWork, after: StoreWork, seconds: number): string {
  return Object.entries(after)
    .map(([name, value]) => `${((value - (before[name] ?? 0)) / seconds).toFixed(1)} ${name}`)
    .join(", ");
}
