import { describe, expect, test } from "vitest";
import { Deadlines } from "../../src/manager/deadlines.ts";
import { timerMsMax } from "../../src/manager/clock.ts";
import { FakeClock } from "./fake-clock.ts";

interface Item {
  dueAt: number;
}

function deadlines(): {
  clock: FakeClock;
  all: Set<Item>;
  met: number[];
  service: Deadlines<Item>;
  timers: () => number;
} {
  const clock = new FakeClock();
  const all = new Set<Item>();
  const met: number[] = [];
  let timers = 0;
  const counting = {
    now: () => clock.now(),
    after: (ms: number, callback: () => void) => {
      timers += 1;
      expect(ms).toBeLessThanOrEqual(timerMsMax);
      return clock.after(ms, callback);
    },
  };
  const service = new Deadlines<Item>(all, counting, (item) => {
    item.dueAt = Infinity;
    met.push(clock.now());
  });
  return { clock, all, met, service, timers: () => timers };
}

describe("Deadlines", () => {
  test("L9: each is met once, in time, whatever the order they were told in", async () => {
    const { clock, all, met, service } = deadlines();
    for (const dueAt of [300, 100, 200, 50]) {
      all.add({ dueAt });
      service.told(dueAt);
    }
    await clock.advance(1_000);
    expect(met).toEqual([50, 100, 200, 300]);
  });

  test("what ends in time costs no timer of its own", async () => {
    const { clock, all, met, service, timers } = deadlines();
    for (let job = 0; job < 1_000; job += 1) {
      const item = { dueAt: clock.now() + 60_000 };
      all.add(item);
      service.told(item.dueAt);
      await clock.advance(1);
      all.delete(item);
    }
    expect(timers()).toBe(1);
    await clock.advance(120_000);
    expect(met).toEqual([]);
    // It stood for those that had ended: with none left there is none.
    expect(timers()).toBe(1);
  });

  test("20,000 distinct ones are met within 20 ms of their time, by a look at most each 20 ms", async () => {
    const { clock, all, met, service, timers } = deadlines();
    for (let item = 0; item < 20_000; item += 1) {
      const dueAt = 1_000 + item / 100;
      all.add({ dueAt });
      service.told(dueAt);
    }
    await clock.advance(2_000);
    expect(met).toHaveLength(20_000);
    expect(Math.max(...met)).toBeLessThanOrEqual(1_200 + 20);
    expect(timers()).toBeLessThan(15);
  });

  test("one beyond a timer's reach is met too, and none after the stop", async () => {
    const { clock, all, met, service } = deadlines();
    const far = 2 * timerMsMax + 5;
    all.add({ dueAt: far });
    service.told(far);
    await clock.advance(far);
    expect(met).toEqual([far]);
    all.add({ dueAt: far + 10 });
    service.told(far + 10);
    service.stop();
    await clock.advance(100);
    expect(met).toEqual([far]);
  });
});
