import { array, assert, integer, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../tests/manual-clock.ts";
import { TimerHeap } from "./timer-heap.ts";

describe("TimerHeap (C16)", () => {
  test("hands out items by due time, equal ones in the order they came", () => {
    assert(
      property(array(integer({ min: 0, max: 50 }), { maxLength: 200 }), (delays) => {
        const clock = new ManualClock(0);
        const fired: number[] = [];
        const timers = new TimerHeap<number>(clock, (item) => fired.push(item));
        delays.forEach((delayMs, index) => timers.schedule(delayMs, index));
        clock.advance(50);
        const expected = delays.map((_, index) => index).toSorted((a, b) => delays[a]! - delays[b]! || a - b);
        expect(fired).toEqual(expected);
      }),
    );
  });

  test("never hands out an item before it is due, and arms one timer for any number", () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const timers = new TimerHeap<string>(clock, (item) => fired.push(item));
    for (let n = 0; n < 10_000; n++) timers.schedule(1_000 + n, "late");
    timers.schedule(10, "early");
    expect(clock.armed).toBe(1);
    clock.advance(9);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual(["early"]);
    expect(clock.armed).toBe(1);
  });

  test("takes items scheduled while it hands out others, and more than one batch", () => {
    const clock = new ManualClock(0);
    const fired: number[] = [];
    const timers = new TimerHeap<number>(clock, (item) => {
      fired.push(item);
      if (item > 0) timers.schedule(clock.now(), item - 1);
    });
    timers.schedule(5, 2_000);
    clock.advance(5);
    expect(fired).toHaveLength(2_001);
  });

  test("sleeps past the longest single timer", () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const timers = new TimerHeap<string>(clock, (item) => fired.push(item));
    timers.schedule(3_600_000, "in an hour");
    clock.advance(3_599_999);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual(["in an hour"]);
  });

  test("a closed heap hands out nothing and holds no timer", () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const timers = new TimerHeap<string>(clock, (item) => fired.push(item));
    timers.schedule(1, "never");
    timers.close();
    timers.close();
    timers.schedule(2, "never");
    clock.advance(10);
    expect(fired).toEqual([]);
    expect(clock.armed).toBe(0);
  });
});
