/** Enqueues one job after the other and prints the store's settings, and what a server counted of its syncs, as JSON. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, JobManager } from "@provost/jobs";
import { storeAt } from "../store-at.ts";

const toldMsMax = 5_000;
const [address = "", count = "0"] = process.argv.slice(2);
const job = defineJob("crash.counted", { queue: "counted", run: () => undefined });
const reader = storeAt(address);
await reader.start();

async function first(sql: string): Promise<Record<string, unknown>> {
  return (await reader.sql?.query(sql))?.rows[0] ?? {};
}

/** Calls that sync the log. A connection's own are told for certain only some time after it has ended: the enqueues have theirs apart. */
async function serverSyncs(): Promise<number> {
  return Number((await first("SELECT wal_sync::int AS syncs FROM pg_stat_wal"))["syncs"]);
}

const isServer = reader.capabilities.sql === "postgres";
const before = isServer ? await serverSyncs() : 0;
const transporter = storeAt(address);
await transporter.start();
const manager = new JobManager({ transporter });
for (let n = 0; n < Number(count); n += 1) await manager.enqueue(job);
await transporter.stop();
const until = isServer ? performance.now() + toldMsMax : 0;
while (performance.now() < until && (await serverSyncs()) - before < Number(count)) await sleep(toldMsMax / 50);
const answer = isServer
  ? {
      settings: await first(
        "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, current_setting('full_page_writes') AS full_page_writes",
      ),
      serverSyncs: (await serverSyncs()) - before,
    }
  : { settings: { ...(await first("PRAGMA synchronous")), ...(await first("PRAGMA journal_mode")) } };
await reader.stop();
console.log(JSON.stringify(answer));
