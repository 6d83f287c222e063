import { describe, expect, test } from "vitest";
import { isAdmitted, pauseMs } from "./permits.ts";

describe("L12: the line of a semaphore", () => {
  test("who asks is admitted when holders and those before it leave a permit over", () => {
    expect([isAdmitted(1, 0, 0), isAdmitted(1, 1, 0), isAdmitted(1, 0, 1)]).toEqual([true, false, false]);
    expect([isAdmitted(3, 1, 1), isAdmitted(3, 2, 1), isAdmitted(3, 0, 3)]).toEqual([true, false, false]);
  });

  const still = { stoodMs: 0, placeMs: 0 };

  test("the first looks soon, those behind it less often, none so seldom that it loses its place", () => {
    expect([0, 1, 9, 99].map((ahead) => pauseMs({ ahead, ...still }, 5, 10_000))).toEqual([5, 10, 50, 500]);
    expect(pauseMs({ ahead: 999, ...still }, 5, 10_000)).toBe(2_500);
  });

  test("who stands long in one place becomes patient, to a limit", () => {
    const waits = [0, 80, 800, 80_000].map((stoodMs) => pauseMs({ ahead: 0, stoodMs, placeMs: 0 }, 5, 10_000));
    expect(waits).toEqual([5, 10, 100, 250]);
  });

  test("from the hundredth place to the third a waiter looks some ten times, however slow the line", () => {
    for (const placeMs of [2, 20, 40]) {
      let looks = 0;
      for (let at = 0; at < 97 * placeMs; looks += 1) {
        const ahead = 99 - Math.floor(at / placeMs);
        at += pauseMs({ ahead, stoodMs: 0, placeMs }, 1, 60_000);
      }
      expect(looks).toBeLessThan(15);
    }
  });
});
