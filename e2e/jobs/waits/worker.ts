/**
 * The one worker of `prove:waits`, forked with the collector at hand. Tells of its memory and timers when asked (`measure`), and of each job
 * that came back, how late it was.
 */
import { defineJob, JobManager, typed } from "@provost/jobs";
import { storeAt } from "../blocked/store.ts";

export interface Measured {
  rssMb: number;
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
    if (attempt === 1 && now < input.dueAt) return release({ after: input.dueAt - now });
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
  const timers = process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
  process.send?.({ rssMb: process.memoryUsage.rss() / 1_048_576, timers, lagsMs } satisfies Measured);
  lagsMs = [];
});
