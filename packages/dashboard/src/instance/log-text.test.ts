import type { InstanceEvent } from "@provost/contract";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { logLines, overlap } from "./log-text.ts";

const report = (log: string | undefined, seq = 1): InstanceEvent => ({
  seq,
  instanceId: "in_1",
  at: "2026-01-01T00:00:00.000Z",
  kind: "note",
  message: "",
  ...(log === undefined ? {} : { log }),
});
const texts = (...logs: (string | undefined)[]) => logLines(logs.map((log) => report(log))).map(({ text }) => text);

test("reports that overlap show each line once", () => {
  expect(texts("a\nb\nc\n", undefined, "b\nc\nd\n", "c\nd\ne")).toEqual(["a", "b", "c", "d", "e"]);
});

test("a report that says the same again shows nothing new", () => {
  expect(texts("a\nb", "a\nb")).toEqual(["a", "b"]);
});

test("a tail that has moved on entirely is shown whole", () => {
  expect(texts("a\nb", "x\ny")).toEqual(["a", "b", "x", "y"]);
});

test("a log sent in windows that overlap comes out as it was written", () => {
  const lines = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "c", "d") }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(lines, fc.integer({ min: 1, max: 5 }), (written, step) => {
      const reports: string[] = [];
      for (let end = step; end < written.length + step; end += step) {
        reports.push(written.slice(Math.max(0, end - step * 2), Math.min(end, written.length)).join("\n"));
      }
      expect(texts(...reports)).toEqual(written);
    }),
  );
});

test("overlap takes the longest", () => {
  expect(overlap(["a", "b", "a", "b"], ["a", "b", "c"])).toBe(2);
  expect(overlap([], ["a"])).toBe(0);
});
