/**
 * The one worker of `prove:waits`, forked with the collector at hand. Tells of its memory and timers when asked (`measure`), and of each job
 * that came back, how late it was.
 */
import { defineJob, JobManager, typed } from "@provost/jobs";
import { storeAt } from "../store-at.ts";

export interface Measured {
  rssMb: number;
  heapMb: number;
  timers: number;
  /** Lateness of those that came back since the last time, ms. */
  lagsMs: number[];
}

const [address = ""] = process.argv.slice(2);
const transporter = storeAt(address);
/** Filled by the jobs that come back, emptied by `measure`. */
let lagsMs: number[] = [];
const wait = defineJob("wait", {
  input: typed<{ dueAt: number }>(),
  run({ input, attempt, release }) {
    const now = Date.now();
    // Also what is due already: the same traffic, with nobody waiting.
    if (attempt === 1) return release({ after: Math.max(0, input.dueAt - now) });
    lagsMs.push(now - input.dueAt);
    return undefined;
  },
});
const manager = new JobManager({ transporter, jobs: [wait] });
await manager.start();
// Not without whoever started it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.on("message", () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  process.send?.({ rssMb: rss / 1_048_576, heapMb: heapUsed / 1_048_576, timers, lagsMs } satisfies Measured);
  lagsMs = [];
});
