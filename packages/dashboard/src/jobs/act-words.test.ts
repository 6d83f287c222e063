import { jobActions } from "@provost/contract";
import { describe, expect, it } from "vitest";
import { actedWords, actsOf, actWords } from "./act-words.ts";
import { jobStatuses } from "./words.ts";

describe("what can be done with a job", () => {
  it("C14: has words for every action of the API, each to be had in some status", () => {
    expect(Object.keys(actWords).toSorted()).toEqual(jobActions.toSorted());
    const offered = new Set(jobStatuses.flatMap((status) => [false, true].flatMap((held) => actsOf({ status, held }))));
    expect([...offered].toSorted()).toEqual(jobActions.toSorted());
  });

  it("L5: run now is offered of what is delayed or ready, not behind a gate nor of what has ended", () => {
    const from = jobStatuses.filter((status) => actsOf({ status }).includes("run-now"));
    expect(from).toEqual(["delayed", "queued"]);
  });

  it("offers retry of what ended badly, and nothing of what was processed", () => {
    expect(actsOf({ status: "failed" })).toEqual(["retry"]);
    expect(actsOf({ status: "processed" })).toEqual([]);
    expect(actsOf({ status: "queued", held: true })).toContain("unhold");
    expect(actsOf({ status: "queued", held: true })).not.toContain("hold");
  });

  it("says what came of it", () => {
    expect(actedWords({ matched: 1_204, applied: 1_200, requested: 3, refused: 1, reasons: {} })).toBe(
      "1,200 applied, 3 asked to end, 1 refused",
    );
    expect(actedWords({ matched: 1, applied: 1, requested: 0, refused: 0, reasons: {} })).toBe("1 applied");
  });
});
