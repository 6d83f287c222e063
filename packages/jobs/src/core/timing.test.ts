import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "./limits.ts";
import { lastDue, nextDue, timingFrom, timingOf, timingText, type Timing } from "./timing.ts";

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

/** The due times from one instant on. */
function dues(timing: Timing, after: string, count: number): (string | undefined)[] {
  const found: (string | undefined)[] = [];
  let before: number | undefined = at(after);
  for (let index = 0; index < count && before !== undefined; index += 1) {
    before = nextDue(timing, before);
    found.push(iso(before));
  }
  return found;
}

const berlin = (cron: string): Timing => timingOf({ cron, timeZone: "Europe/Berlin" }, "it");

describe("L13 due times", () => {
  test("an interval ticks on the grid of its multiples, whoever starts when", () => {
    const timing = timingOf({ every: "5m" }, "it");
    expect(dues(timing, "2026-03-01T10:02:03.004Z", 2)).toEqual([
      "2026-03-01T10:05:00.000Z",
      "2026-03-01T10:10:00.000Z",
    ]);
    expect(iso(lastDue(timing, at("2026-03-01T10:05:00Z")))).toBe("2026-03-01T10:05:00.000Z");
  });

  test("cron is read in its time zone, UTC by default", () => {
    expect(dues(berlin("0 3 * * *"), "2026-01-10T00:00:00Z", 1)).toEqual(["2026-01-10T02:00:00.000Z"]);
    expect(dues(berlin("0 3 * * *"), "2026-07-10T00:00:00Z", 1)).toEqual(["2026-07-10T01:00:00.000Z"]);
    expect(dues(timingOf({ cron: "0 3 * * *" }, "it"), "2026-07-10T00:00:00Z", 1)).toEqual([
      "2026-07-10T03:00:00.000Z",
    ]);
  });

  test("six fields have seconds first", () => {
    const timing = timingOf({ cron: "*/20 * * * * *" }, "it");
    expect(dues(timing, "2026-01-01T00:00:19.999Z", 2)).toEqual([
      "2026-01-01T00:00:20.000Z",
      "2026-01-01T00:00:40.000Z",
    ]);
  });

  test("daylight saving begins: a time of day that does not exist comes when the clock has jumped, once", () => {
    expect(dues(berlin("30 2 * * *"), "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ]);
  });

  test("daylight saving ends: a time of day that comes twice ticks once; an hourly tick has the repeated hour too", () => {
    expect(dues(berlin("30 2 * * *"), "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
    expect(dues(berlin("30 * * * *"), "2026-10-24T23:45:00Z", 3)).toEqual([
      "2026-10-25T00:30:00.000Z",
      "2026-10-25T01:30:00.000Z",
      "2026-10-25T02:30:00.000Z",
    ]);
  });

  test("an interval knows no daylight saving", () => {
    const timing = timingOf({ every: "1h" }, "it");
    expect(dues(timing, "2026-10-25T00:00:00Z", 3).map((due) => due?.slice(11, 16))).toEqual([
      "01:00",
      "02:00",
      "03:00",
    ]);
  });

  test("what cannot be a timing is refused with the value and the way out", () => {
    const refusals: [Parameters<typeof timingOf>[0], string][] = [
      [{}, "neither every nor cron"],
      [{ every: "5s", cron: "* * * * *" }, "every and cron"],
      [{ every: "5s", timeZone: "UTC" }, "without cron"],
      [{ every: limits.everyMsMin - 1 }, "limits.everyMsMin"],
      [{ cron: "61 * * * *" }, "61 * * * *"],
      [{ cron: "* * *" }, "five fields"],
      [{ cron: "0 0 30 2 *" }, "never comes"],
      [{ cron: "2030-01-01T00:00:00" }, "instant"],
      [{ cron: "0 3 * * *", timeZone: "Mars/Olympus" }, "Mars/Olympus"],
    ];
    for (const [options, text] of refusals) {
      expect(() => timingOf(options, 'schedule "s"')).toThrow(
        expect.objectContaining({ message: expect.stringContaining(text) }),
      );
    }
  });

  test("what a newer release has written is no timing, and no crash", () => {
    for (const text of ["", "{}", "[]", "null", '{"everyMs":1}', '{"cron":"x"}', '{"lunar":true}']) {
      expect(timingFrom(text)).toBeUndefined();
    }
  });
});

const timings = fc.oneof(
  fc.integer({ min: limits.everyMsMin, max: 40 * 86_400_000 }).map((everyMs): Timing => ({ everyMs })),
  fc
    .tuple(
      fc.constantFrom(
        "* * * * *",
        "*/7 * * * *",
        "30 2 * * *",
        "0 3 * * 1-5",
        "15 1,2,3 * * *",
        "0 0 1 * *",
        "*/13 * * * * *",
      ),
      fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
    )
    .map(([cron, timeZone]): Timing => ({ cron, timeZone })),
);
const instants = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2035-01-01T00:00:00Z") });

describe("L13 due times, properties", () => {
  test("the next is after, the last is not after, and none lies between them", () => {
    fc.assert(
      fc.property(timings, instants, (timing, now) => {
        const next = nextDue(timing, now) ?? Number.NaN;
        const last = lastDue(timing, now) ?? Number.NaN;
        expect(next).toBeGreaterThan(now);
        expect(last).toBeLessThanOrEqual(now);
        expect(nextDue(timing, last)).toBe(next);
        expect(lastDue(timing, next)).toBe(next);
        expect(lastDue(timing, next - 1)).toBe(last);
      }),
      { numRuns: 500 },
    );
  });

  test("every manager computes the same, from the stored text too", () => {
    fc.assert(
      fc.property(timings, instants, (timing, now) => {
        const read = timingFrom(timingText(timing));
        expect(read).toEqual(timing);
        if (read !== undefined) expect(nextDue(read, now)).toBe(nextDue(timing, now));
      }),
      { numRuns: 100 },
    );
  });
});
