/**
 * One of the claiming processes of `prove:claims`: claims, writes what it runs to a ledger of its own, settles, and writes what the
 * store answered. Now and then it sleeps past its lease before it settles, and tries to settle with a fence that is not its
 * own any more. Runs until it is killed, or whoever started it is gone.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import { JobsError, type Claimed, type Outcome, type Transporter } from "@provost/jobs";

const [address = "", ledgerPath = "", leaseMs = "0", oversleepOneIn = "0"] = process.argv.slice(2);
const ledger = openSync(ledgerPath, "a");
const processed: Outcome = { kind: "processed" };
/** Half a thousand that look for work ten times a second each would leave none of the machine for it. */
const waitMsMax = 2_000;
const retryMsMax = 400;
const transporter = await opened();

/** Loads no more than it needs, and has one connection: what 500 processes can have of one host and one server. */
async function opened(): Promise<Transporter> {
  if (!address.startsWith("postgres")) return (await import("@provost/jobs/sqlite")).sqlite(address);
  const { postgres } = await import("@provost/jobs/postgres");
  return postgres({ connectionString: address, poolMax: 1, sqlPoolMax: 1, connectTimeoutMs: 60_000 });
}

function write(what: string, { id, fence }: Pick<Claimed, "id" | "fence">, more = ""): void {
  writeSync(ledger, `${what} ${id} ${fence} ${more}\n`);
}

/** Again while the store is not there: a server with all its connections taken, a busy file. */
async function persistently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof JobsError) || error.code !== "store_unavailable") throw error;
      await pause(Math.random() * retryMsMax);
    }
  }
}

async function settle(claimed: Claimed, fence: number): Promise<string> {
  const { id, version } = claimed;
  const [result] = await persistently(() => transporter.settle([{ id, fence, version, outcome: processed }]));
  return result?.state ?? "unanswered";
}

async function run(claimed: Claimed): Promise<void> {
  write("run", claimed);
  const old = { ...claimed, fence: claimed.fence - 1 };
  if (old.fence > 0) write("stale", old, await settle(claimed, old.fence));
  if (Math.random() * Number(oversleepOneIn) < 1) await pause(Number(leaseMs) * 2);
  write("settled", claimed, await settle(claimed, claimed.fence));
}

await persistently(() => transporter.start());
const manager = `claims-${process.pid}`;
const request = { queue: "claims", lane: "short" as const, names: ["work"], leaseMs: Number(leaseMs), started: true };
// For those that come after: a killed process would not write what it compiled.
flushCompileCache();
process.send?.("claims");
while (process.connected) {
  const limit = 1 + Math.floor(Math.random() * 8);
  const claimed = await persistently(() => transporter.claim([{ ...request, limit }], manager));
  for (const each of claimed) await run(each);
  if (claimed.length === 0) await pause(Math.random() * waitMsMax);
}
await transporter.stop();
closeSync(ledger);
