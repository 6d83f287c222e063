import { expect, test } from "vitest";
import { count, counted, megabytes, usd, usdHour } from "./numbers.ts";
import { absoluteTime, exactDuration, relativeTime, shortDuration } from "./time.ts";

const s = 1_000;
const h = 3_600 * s;

test.each([
  [-5, "0s"],
  [59_999, "59s"],
  [60 * s, "1m"],
  [47 * h, "47h"],
  [48 * h, "2d"],
  [3 * 365 * 24 * h, "3y"],
])("shortDuration(%i) is %s", (ms, text) => expect(shortDuration(ms)).toBe(text));

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [3_749, "3.7 s"],
  [59_999, "59.9 s"],
  [67 * s, "1 m 07 s"],
  [3 * h + 20 * 60 * s, "3 h 20 m"],
  [26 * h, "1 d 02 h"],
])("exactDuration(%i) is %s", (ms, text) => expect(exactDuration(ms)).toBe(text));

test("relativeTime looks both ways", () => {
  expect(relativeTime(0, 4_000)).toBe("just now");
  expect(relativeTime(0, 3 * 60 * s)).toBe("3m ago");
  expect(relativeTime(2 * h, 0)).toBe("in 2h");
});

test("absoluteTime says the zone", () => {
  const at = Date.UTC(2026, 10, 22, 13, 3, 7);
  expect(absoluteTime(at, "UTC")).toBe("2026-11-22 13:03:07 UTC");
  expect(absoluteTime(at, "Europe/Berlin")).toBe("2026-11-22 14:03:07 GMT+1");
});

test("numbers", () => {
  expect(count(1_234_567)).toBe("1,234,567");
  expect(counted(1, "instance")).toBe("1 instance");
  expect(counted(2, "process", "processes")).toBe("2 processes");
  expect(usd(undefined)).toBe("–");
  expect(usd(0)).toBe("$0.00");
  expect(usd(0.0075)).toBe("$0.0075");
  expect(usd(1_000)).toBe("$1,000.00");
  expect(usdHour(0.018)).toBe("$0.0180");
  expect(megabytes(512)).toBe("512 MB");
  expect(megabytes(1_536)).toBe("1.5 GB");
});
