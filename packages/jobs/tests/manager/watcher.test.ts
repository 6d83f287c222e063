import { expect, test } from "vitest";
import type { Job } from "../../src/core/job.ts";
import type { Clock } from "../../src/manager/clock.ts";
import { Watcher } from "../../src/manager/watcher.ts";
import { FakeClock, turns } from "./fake-clock.ts";

/** Counts what is set and not taken back: any of it keeps a process alive. */
class CountingClock implements Clock {
  timers = 0;
  readonly clock = new FakeClock();

  now(): number {
    return this.clock.now();
  }

  after(ms: number, callback: () => void): () => void {
    let isSet = true;
    const unset = (): void => {
      if (isSet) this.timers -= 1;
      isSet = false;
    };
    this.timers += 1;
    const cancel = this.clock.after(ms, () => {
      unset();
      callback();
    });
    return () => {
      unset();
      cancel();
    };
  }
}

/* oxlint-disable typescript/no-unsafe-type-assertion -- the watcher reads no more of a job */
const ended = (id: string): Job => ({ id, finishedAt: 1 }) as Job;
const running = (id: string): Job => ({ id }) as Job;

test("L15: a wait that is over leaves no timer behind, and the next one is answered all the same", async () => {
  const clock = new CountingClock();
  const final = new Set<string>();
  const watcher = new Watcher({
    transporter: {
      get: async (ids) => ids.flatMap((id) => (final.has(id) ? [ended(id)] : [running(id)])),
      flow: async () => undefined,
    },
    clock,
    random: () => 0,
    log: () => undefined,
  });
  for (const id of ["1", "2"]) {
    const waited = watcher.job(id, 60_000);
    await turns();
    expect(clock.timers).toBeGreaterThan(0);
    final.add(id);
    await clock.clock.advance(1_000);
    expect((await waited).id).toBe(id);
    await turns();
    expect(clock.timers).toBe(0);
  }
  // Two at once: the first to end does not stop the look for the other.
  const both = [watcher.job("3", 60_000), watcher.job("4", 60_000)];
  await turns();
  final.add("3");
  await clock.clock.advance(1_000);
  expect(clock.timers).toBeGreaterThan(0);
  final.add("4");
  await clock.clock.advance(3_000);
  expect((await Promise.all(both)).map(({ id }) => id)).toEqual(["3", "4"]);
  await turns();
  expect(clock.timers).toBe(0);
  await watcher.stop();
});
