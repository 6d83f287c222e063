import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationMs, type Duration } from "./duration.ts";
import { limits } from "./limits.ts";

describe("durations", () => {
  test.each<[Duration, number]>([
    [0, 0],
    [1.2, 2],
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
  ])("%s is %i ms", (duration, ms) => {
    expect(durationMs(duration, "after")).toBe(ms);
  });

  test.each(["", "5", "m", "5 m", "-5s", "1w", "1e3s", -1, Number.NaN, Infinity, null, {}, 5n, "367d"])(
    "%s is refused with its value and the way out",
    (bad) => {
      expect(() => durationMs(wrong(bad), "after")).toThrow(
        expect.objectContaining({ code: "invalid_options", message: expect.stringContaining("after is ") }),
      );
    },
  );

  test("whole numbers of milliseconds stay what they are", () => {
    fc.assert(fc.property(fc.nat(limits.delayMsMax), (ms) => durationMs(ms, "after") === ms));
  });
});

/** What the compiler would refuse, as it can come from JavaScript. */
function wrong(value: unknown): any {
  return value;
}
