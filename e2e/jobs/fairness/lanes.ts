/**
 * `npm run prove:lanes`: how long a short job waits to be picked up beside nothing, beside a full long lane with a thousand more
 * behind it at the highest priority (L8), and, for contrast, when the same long jobs stand in its own lane.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, JobManager, type Lane, typed } from "@provost/jobs";
import { percentile, prove, type StoreKind } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { onThrowawayStore } from "../stores.ts";

const everyMs = 10;
const longSlots = 8;
const longJobs = 1_000;

/** Waits of the short jobs, ms from the enqueue's return to the handler's first line. */
async function pickups(kind: StoreKind, shortJobs: number, longLane: Lane | undefined): Promise<number[]> {
  return await onThrowawayStore(kind, async ({ address }) => {
    const transporter = storeAt(address);
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
        if (running === longSlots) occupied.resolve();
        // In the short lane they must end some day, or the contrast would never.
        await sleep(longLane === "long" ? 3_600_000 : 50, undefined, { signal });
      },
    });
    const manager = new JobManager({
      transporter,
      jobs: [short, long],
      slots: { short: longSlots, long: longSlots },
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
    await transporter.stop();
    return waits;
  });
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

const p99 = (waits: number[]): number => percentile(waits, 0.99);
const p50 = (waits: number[]): number => percentile(waits, 0.5);

await prove(
  {
    name: "lanes",
    about: "A full long lane does not delay a short job (L8).",
    numbers: { jobs: { value: 400, about: `short ones, one every ${everyMs} ms` } },
    minutesMax: 10,
  },
  async ({ kind, numbers: { jobs }, say, check }) => {
    const alone = await pickups(kind, jobs, undefined);
    const besideLong = await pickups(kind, jobs, "long");
    const sameLane = await pickups(kind, jobs, "short");
    for (const [what, waits] of [
      ["no long jobs", alone],
      [`long lane full, ${longJobs - longSlots} behind it`, besideLong],
      ["the same jobs in the short lane", sameLane],
    ] as const) {
      say(
        `${what.padEnd(32)} ${waits.length} short jobs picked up after p50 ${ms(p50(waits))}, p99 ${ms(p99(waits))}, longest ${ms(Math.max(...waits))}`,
      );
    }
    // A busy machine moves a p99 by itself: what a blocked lane costs is another order.
    check(
      p99(besideLong) <= 3 * p99(alone) + 50,
      `a full long lane does not delay short jobs: p99 ${ms(p99(besideLong))}, ${ms(p99(alone))} without it`,
    );
    check(
      p50(sameLane) >= 2 * p50(besideLong) + 50,
      `one lane for all is worse: p50 ${ms(p50(sameLane))}, ${ms(p50(besideLong))} with two`,
    );
  },
);
