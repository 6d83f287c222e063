import { array, assert, double, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf, Histogram, stepOf } from "./histogram.ts";

const durations = array(integer({ min: 0, max: 400 * 24 * 3_600_000 }), { minLength: 1, maxLength: 200 });

function of(list: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const ms of list) histogram.add(ms);
  return histogram;
}

describe("histogram of durations", () => {
  it("L15 a quantile is the upper end of the step that holds the true one, at most 19% above it", () => {
    assert(
      property(durations, double({ min: 0.01, max: 1, noNaN: true }), (list, q) => {
        const exact = list.toSorted((a, b) => a - b)[Math.ceil(q * list.length) - 1] ?? 0;
        const told = of(list).quantile(q) ?? -1;
        expect(told).toBe(endOf(stepOf(exact)));
        // Above a year all are in the last step.
        if (exact <= endOf(140)) expect(told).toBeGreaterThanOrEqual(Math.max(1, exact) * (1 - 1e-9));
        expect(told).toBeLessThanOrEqual(Math.max(1, exact) * 2 ** 0.25 * (1 + 1e-9));
      }),
    );
  });

  it("L15 parts that were told as text add up to the whole", () => {
    assert(
      property(durations, durations, (one, other) => {
        const both = new Histogram();
        both.addText(of(one).text());
        both.addText(of(other).text());
        expect(both.text()).toBe(of([...one, ...other]).text());
        expect(both.total).toBe(one.length + other.length);
      }),
    );
  });

  it("of nothing there is no quantile", () => {
    expect(new Histogram().quantile(0.5)).toBeUndefined();
    expect(new Histogram().text()).toBe("");
  });

  it("ends of steps belong to their step", () => {
    for (let step = 0; step <= 140; step += 1) expect(stepOf(endOf(step))).toBe(step);
  });
});
