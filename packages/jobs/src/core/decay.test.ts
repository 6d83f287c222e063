import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decayed, steadyDecay } from "./decay.ts";

const base = fc.integer({ min: 0, max: 255 });
const attempts = fc.integer({ min: 1, max: 1_000 });

describe("L4 decay", () => {
  test("floor(base × attemptsLeft / attempts): base 100, budget 30", () => {
    expect([0, 1, 2, 15, 29, 30].map((used) => decayed(steadyDecay, 100, used, 30))).toEqual([100, 96, 93, 50, 3, 0]);
  });

  test("it never grows with attempts, begins at the base, and is 0 when the budget is gone", () => {
    fc.assert(
      fc.property(base, attempts, (priority, budget) => {
        const history = Array.from({ length: budget + 1 }, (_, used) => decayed(steadyDecay, priority, used, budget));
        expect(history[0]).toBe(priority);
        expect(history.at(-1)).toBe(0);
        for (const [index, value] of history.entries()) expect(value).toBeLessThanOrEqual(history[index - 1] ?? 255);
      }),
      { numRuns: 50 },
    );
  });

  test("a job's own rule counts, within 0–255; one that throws or gives NaN falls back to the steady one", () => {
    expect(decayed(() => 42.9, 100, 1, 30)).toBe(42);
    expect(decayed(() => 1_000, 100, 1, 30)).toBe(255);
    expect(decayed(() => -1, 100, 1, 30)).toBe(0);
    expect(decayed(() => Number.NaN, 100, 1, 30)).toBe(96);
    expect(
      decayed(
        () => {
          throw new RangeError("own rule");
        },
        100,
        1,
        30,
      ),
    ).toBe(96);
  });
});
