/**
 * A manager of `prove:crash` in a process of its own: runs jobs with the default lease, and enqueues more at the same time. An id is
 * written to the ledger of enqueues when its enqueue has returned, not before. Enqueues until it is told that it is enough, runs until it is killed.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { JobManager, JobsError } from "@provost/jobs";
import { storeAt } from "../store-at.ts";
import { jobs } from "./jobs.ts";

const [address = "", enqueuedPath = "", ledger = ""] = process.argv.slice(2);
const everyMs = 25;
const enough = new AbortController();
process.once("message", () => enough.abort());
// Not without whoever started it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
const enqueued = openSync(enqueuedPath, "a");
const transporter = storeAt(address);
const manager = new JobManager({ transporter, jobs: Object.values(jobs), processes: { process: { min: 1, max: 2 } } });

/** Until the store is there: it may be the database that was killed. */
for (let started = false; !started;) {
  try {
    await manager.start();
    started = true;
  } catch (error) {
    if (!(error instanceof JobsError) || error.code !== "store_unavailable") throw error;
    await pause(200);
  }
}
process.send?.("started");
for (let n = 0; !enough.signal.aborted; n += 1) {
  // Long enough inline that a manager dies with many in hand; short in the children, which are two.
  const [job, msMax] = n % 4 === 0 ? [jobs.process, 50] : [jobs.inline, 1_500];
  try {
    const { id } = await manager.enqueue(job, { ledger, ms: Math.random() * msMax });
    writeSync(enqueued, `${id}\n`);
  } catch (error) {
    // What did not return is not owed.
    if (!(error instanceof JobsError) || error.code !== "store_unavailable") throw error;
  }
  await pause(everyMs);
}
closeSync(enqueued);
