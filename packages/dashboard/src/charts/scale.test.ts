import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { areaPath, axisTo, durationAxisTo, linePath, stack, stepPath } from "./scale.ts";

describe("an axis", () => {
  it("ends at a round value that holds what is shown", () => {
    expect(axisTo(0, 4)).toEqual({ max: 1, ticks: [0, 1] });
    expect(axisTo(7, 4)).toEqual({ max: 8, ticks: [0, 2, 4, 6, 8] });
    expect(axisTo(1_234, 4)).toEqual({ max: 1_500, ticks: [0, 500, 1_000, 1_500] });
  });

  it("has few ticks at even steps, from 0 to its end, for any value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e12 }), fc.integer({ min: 2, max: 8 }), (value, ticksMax) => {
        const { max, ticks } = axisTo(value, ticksMax);
        expect(max).toBeGreaterThanOrEqual(value);
        expect(ticks.length).toBeLessThanOrEqual(ticksMax + 1);
        expect([ticks[0], ticks.at(-1)]).toEqual([0, max]);
        const step = ticks[1] ?? 0;
        for (const [index, tick] of ticks.entries()) expect(tick).toBeCloseTo(index * step, 3);
      }),
    );
  });

  it("of durations steps by what people count in", () => {
    expect(durationAxisTo(900, 3).ticks).toEqual([0, 500, 1_000]);
    expect(durationAxisTo(9_000, 3).ticks).toEqual([0, 5_000, 10_000]);
    expect(durationAxisTo(103_000, 5).ticks).toEqual([0, 30_000, 60_000, 90_000, 120_000]);
    expect(durationAxisTo(400_000, 4).ticks).toEqual([0, 120_000, 240_000, 360_000, 480_000]);
    expect(durationAxisTo(5 * 86_400_000, 3).max).toBe(6 * 86_400_000);
  });

  it("of durations holds any of them in few steps", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), fc.integer({ min: 2, max: 6 }), (ms, ticksMax) => {
        const { max, ticks } = durationAxisTo(ms, ticksMax);
        expect(max).toBeGreaterThanOrEqual(ms);
        expect(ticks.length).toBeLessThanOrEqual(ticksMax + 1);
      }),
    );
  });
});

const at = (x: number, y: number) => ({ x, y });

describe("paths", () => {
  it("leave a gap where nothing was measured, and show what stands alone", () => {
    expect(linePath([at(0, 1), at(1, 2), undefined, at(3, 4)])).toBe("M0 1L1 2M3 4h0.1");
    expect(areaPath([at(0, 1), at(1, 2), undefined], 9)).toBe("M0 1L1 2L1 9L0 9Z");
    expect(linePath([])).toBe("");
  });

  it("hold a value until the next one and out to the end", () => {
    expect(stepPath([at(0, 5), at(4, 7)], 10)).toBe("M0 5H4V7H10");
    expect(stepPath([], 10)).toBe("");
  });

  it("stack values on each other", () => {
    expect(stack([2, 0, 3])).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 2 },
      { from: 2, to: 5 },
    ]);
  });
});
