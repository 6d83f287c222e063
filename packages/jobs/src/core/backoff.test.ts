import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoffRule, defaultBackoff } from "./backoff.ts";

describe("backoff", () => {
  test("1 s doubling to 5 min by default; half of it is jitter", () => {
    expect([1, 2, 3, 9, 10, 999].map((used) => defaultBackoff(used, () => 1))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
    expect(defaultBackoff(3, () => 0)).toBe(2_000);
  });

  test("it stays between half of the full delay and all of it", () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), random, (used, value) => {
        const full = Math.min(300_000, 1_000 * 2 ** (used - 1));
        const delay = defaultBackoff(used, () => value);
        expect(delay).toBeGreaterThanOrEqual(full / 2);
        expect(delay).toBeLessThanOrEqual(full);
      }),
    );
  });

  test("a fixed one, a growing one of the job's own, and a function over the number of errors", () => {
    expect(backoffRule("5s")(7, () => 0.5)).toBe(5_000);
    expect(backoffRule({ first: "2s", max: "1m", factor: 3 })(2, () => 1)).toBe(6_000);
    expect(backoffRule((used) => used * 10)(4, () => 0)).toBe(40);
    expect(backoffRule(() => -1)(1, () => 0)).toBe(500);
  });

  test("wrong ones are refused at definition", () => {
    expect(() => backoffRule({ first: "1m", max: "1s" })).toThrow("backoff.max (1000 ms) is below backoff.first");
    expect(() => backoffRule({ first: 1, max: 2, factor: 0.5 })).toThrow("backoff.factor is 0.5");
    expect(() => backoffRule(-1)).toThrow("backoff is -1");
  });
});
