/**
 * `npm run prove:lanes`: how long a short job waits to be picked up beside nothing, beside a full long lane with a thousand more
 * behind it at the highest priority (L8), and, for contrast, when the same long jobs stand in its own lane. Exits with 1 unless the
 * second is as good as the first and the third is worse. About 20 s.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, JobManager, type Lane, typed } from "@provost/jobs";
import { onFreshStore, percentile } from "./store.ts";

const shortJobs = 400;
const everyMs = 10;
const longJobs = 1_000;

/** Waits of the short jobs, ms from the enqueue's return to the handler's first line. */
async function pickups(longLane: Lane | undefined): Promise<number[]> {
  return await onFreshStore(async (transporter) => {
    const waits: number[] = [];
    const enqueuedAt = new Map<number, number>();
    const done = Promise.withResolvers<void>();
    const occupied = Promise.withResolvers<void>();
    let running = 0;
    const short = defineJob("short", {
      priority: 0,
      input: typed<number>(),
      run({ input }) {
        // It may be picked up before its enqueue has returned here: that is no wait.
        waits.push(Math.max(0, performance.now() - (enqueuedAt.get(input) ?? performance.now())));
        if (waits.length === shortJobs) done.resolve();
      },
    });
    const long = defineJob("long", {
      ...(longLane === undefined ? {} : { lane: longLane }),
      priority: 255,
      timeout: "1h",
      async run({ signal }) {
        running += 1;
        if (running === 8) occupied.resolve();
        // In the short lane they must end some day, or the contrast would never.
        await sleep(longLane === "long" ? 3_600_000 : 50, undefined, { signal });
      },
    });
    const manager = new JobManager({
      transporter,
      jobs: [short, long],
      slots: { short: 8, long: 8 },
      stopGrace: 0,
      abortGrace: "2s",
    });
    await manager.start();
    if (longLane !== undefined) {
      await manager.enqueueMany(Array.from({ length: longJobs }, () => long.with()));
      await occupied.promise;
    }
    for (let n = 0; n < shortJobs; n += 1) {
      await manager.enqueue(short, n);
      enqueuedAt.set(n, performance.now());
      await sleep(everyMs);
    }
    await done.promise;
    await manager.stop();
    return waits;
  });
}

const alone = await pickups(undefined);
const besideLong = await pickups("long");
const sameLane = await pickups("short");
const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(11);
for (const [what, waits] of [
  ["no long jobs", alone],
  ["long lane full, 992 behind it", besideLong],
  ["the same jobs in the short lane", sameLane],
] as const) {
  console.log(
    `${what.padEnd(32)} ${waits.length} short jobs picked up after p50 ${ms(percentile(waits, 0.5))} · p99 ${ms(percentile(waits, 0.99))} · longest ${ms(Math.max(...waits))}`,
  );
}
const problems: string[] = [];
// A busy machine moves a p99 by itself: what a blocked lane costs is another order.
if (percentile(besideLong, 0.99) > 3 * percentile(alone, 0.99) + 50)
  problems.push("a full long lane delays short jobs");
if (percentile(sameLane, 0.5) < 2 * percentile(besideLong, 0.5) + 50)
  problems.push("one lane for all is no worse: the measurement shows nothing");
for (const problem of problems) console.error(`FAILED: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
