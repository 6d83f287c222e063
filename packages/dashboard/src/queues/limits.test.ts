import { queueChangeSchema } from "@provost/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeOf, limitNames, limitWords, problemOf, textOf } from "./limits.ts";

const none = {
  concurrency: null,
  keyConcurrency: null,
  ratePerSecond: null,
  rateBurst: null,
  agingMs: null,
  depthMax: null,
  weight: 1,
};

describe("L14: the limits of a queue", () => {
  it("are sent only where they differ; an emptied one is taken away", () => {
    const limits = { ...none, concurrency: 4, ratePerSecond: 2.5 };
    expect(changeOf(limits, textOf(limits))).toEqual({});
    expect(changeOf(limits, { ...textOf(limits), concurrency: "", depthMax: "100", weight: "3" })).toEqual({
      concurrency: null,
      depthMax: 100,
      weight: 3,
    });
  });

  it("say what is wrong with a value", () => {
    expect(problemOf("concurrency", "0")).toBe('"0" is no whole number from 1 to 1,000,000');
    expect(problemOf("concurrency", "1.5")).toContain("whole");
    expect(problemOf("ratePerSecond", "0.5")).toBeUndefined();
    expect(problemOf("depthMax", "")).toBeUndefined();
    expect(problemOf("weight", "")).toContain("is needed");
    expect(problemOf("depthMax", "many")).toContain('"many"');
  });

  it("hold what the API takes: what has no problem here is not refused there", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...limitNames),
        fc.oneof(fc.integer(), fc.double(), fc.constantFrom("", "1", "x")),
        (name, value) => {
          const text = { ...textOf(none), [name]: String(value) };
          fc.pre(problemOf(name, text[name]) === undefined);
          expect(queueChangeSchema.safeParse(changeOf(none, text)).success).toBe(true);
        },
      ),
    );
  });

  it("read as words", () => {
    expect(limitWords(none)).toBe("");
    expect(limitWords({ ...none, concurrency: 8, ratePerSecond: 2.5, weight: 3 })).toBe(
      "8 at once, 2.5 a second, weight 3",
    );
  });
});
