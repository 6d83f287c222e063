import { expect, it } from "vitest";
import { stepPath } from "../../charts/scale.ts";
import { priorityLine, stepWords } from "./priority.ts";

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();
const steps = [
  { at: at(0), priority: 100, cause: "given" },
  { at: at(5), priority: 50, cause: "error" },
  { at: at(8), priority: 50, cause: "deferred" },
] as const;

it("L4: priority over time holds until the next step, and the last one until the end", () => {
  const { points, axis } = priorityLine(steps, 10_000, { width: 100, height: 40 });
  expect(axis.max).toBe(100);
  expect(stepPath(points, 100)).toBe("M0 0H50V20H80V20H100");
});

it("L4: a step says what lowered it and by how much", () => {
  expect(steps.map((step, index) => stepWords(step, steps[index - 1]))).toEqual([
    "given as 100",
    "ended in an error: 100 → 50",
    "deferred: stays at 50",
  ]);
});

it("stands a job without steps, and one whose steps are all now", () => {
  expect(priorityLine([], 10_000, { width: 100, height: 40 }).points).toEqual([]);
  expect(priorityLine([steps[0]], 0, { width: 100, height: 40 }).points).toEqual([{ x: 0, y: 0 }]);
});
