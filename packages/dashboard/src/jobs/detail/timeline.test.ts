import { describe, expect, it } from "vitest";
import { endOf, stripOf, sumsOf } from "./timeline.ts";

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();
const life = [
  { status: "queued", from: at(0), to: at(2) },
  { status: "in_progress", from: at(2), to: at(4), fence: 1, cause: "error" },
  { status: "delayed", from: at(4), to: at(9) },
  { status: "in_progress", from: at(9), to: at(10), fence: 2 },
  { status: "processed", from: at(10) },
] as const;

describe("L10: the timeline of a job", () => {
  it("is a strip of waits and runs, with its end as a point", () => {
    expect(stripOf(life, 99_000).map(({ from, to, kind }) => [from, to, kind])).toEqual([
      [0, 0.2, "waiting"],
      [0.2, 0.4, "running"],
      [0.4, 0.9, "waiting"],
      [0.9, 1, "running"],
      [1, 1, "end"],
    ]);
    expect(sumsOf(life, 99_000)).toEqual({ waitedMs: 7_000, ranMs: 3_000 });
  });

  it("goes on until now while something lasts", () => {
    const running = [life[0], { status: "in_progress", from: at(2) }] as const;
    expect(endOf(running, 10_000)).toBe(10_000);
    expect(stripOf(running, 10_000).map(({ to }) => to)).toEqual([0.2, 1]);
    expect(sumsOf(running, 10_000)).toEqual({ waitedMs: 2_000, ranMs: 8_000 });
  });

  it("stands a clock that is behind the store's, and a life without length", () => {
    expect(stripOf([{ status: "queued", from: at(5) }], 1_000)).toMatchObject([{ from: 0, to: 0 }]);
    expect(stripOf([], 1_000)).toEqual([]);
  });
});
