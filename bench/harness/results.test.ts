import { describe, expect, test } from "vitest";
import type { Scenario } from "../scenario.ts";
import { percentile, summaryOf } from "./figures.ts";
import { rateBetween } from "./marks.ts";
import { sectionOf, withSection } from "./page.ts";
import { overtakers } from "../scenarios/urgent.ts";
import { ratio, type Result, verdicts } from "./results.ts";

const scenario: Scenario = {
  name: "drain",
  measures: "jobs run",
  figure: "jobsPerSecond",
  unit: "jobs/s",
  better: "higher",
  engines: ["ours-postgres", "graphile-worker", "pg-boss"],
  sizes: { full: 2, quick: 1 },
  targets: [
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["graphile-worker", "pg-boss"], atLeast: 1.5 },
    { ours: "ours-postgres", figure: "p99Ms", against: ["graphile-worker", "pg-boss"], atMost: 1 },
    { ours: "ours-postgres", figure: "p99Ms", atMost: 2 },
    { ours: "ours-postgres", figure: "jobsPerSecond", against: ["raw-sqlite"], atLeast: 1 },
  ],
  run: async () => ({}),
};

function result(engine: string, round: number, jobsPerSecond: number, p99Ms: number): Result {
  return { scenario: "drain", engine, round, size: 2, at: "2026-11-22T00:00:00Z", figures: { jobsPerSecond, p99Ms } };
}

const results = [
  result("ours-postgres", 1, 100, 3),
  result("graphile-worker", 1, 50, 1),
  result("pg-boss", 1, 10, 6),
  // The machine was busy in this round, for all of them alike.
  result("ours-postgres", 2, 10, 3),
  result("graphile-worker", 2, 5, 1),
  result("pg-boss", 2, 1, 6),
];

describe("figures", () => {
  test("a median lies in the middle, or between the two in the middle", () => {
    expect(summaryOf([3, 1, 2]).median).toBe(2);
    expect(summaryOf([4, 1, 2, 3]).median).toBe(2.5);
    expect(summaryOf([2, 1, 3]).spread).toBe(1);
    expect(summaryOf([]).median).toBeNaN();
  });

  test("a percentile is one of the values, the greatest at most", () => {
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(3);
    expect(percentile([1, 2, 3, 4], 1)).toBe(4);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test("a rate between two marks leaves out what came before, and refuses what was not reached", () => {
    expect(rateBetween([5_000, 5_500, 6_000], 1_000, 3_000)).toBe(2_000);
    expect(() => rateBetween([5_000], 1_000, 2_000)).toThrow(/1000 to 2000/);
  });
});

describe("verdicts", () => {
  test("ratios are taken within rounds: a busy round changes none", () => {
    expect(ratio(results, "jobsPerSecond", "ours-postgres", "graphile-worker")).toBe(2);
    expect(ratio(results, "jobsPerSecond", "ours-postgres", "raw-sqlite")).toBeNaN();
  });

  test("ours is measured against the best peer: the fastest for a rate, the lowest for a latency", () => {
    const seen = verdicts(scenario, results).map(({ best, value, holds }) => ({ best, value, holds }));
    expect(seen).toEqual([
      { best: "graphile-worker", value: 2, holds: true },
      { best: "graphile-worker", value: 3, holds: false },
      { best: undefined, value: 3, holds: false },
    ]);
  });
});

describe("the page", () => {
  test("says what is missed, and which engine failed", () => {
    const section = sectionOf(scenario, results, ["pg-boss, round 3: `not_ended`"]);
    expect(section).toContain("| Provost, PostgreSQL | 55 |");
    expect(section).toContain(
      "- Holds: Provost, PostgreSQL ÷ graphile-worker, jobs per second: 2; wanted: at least 1.5.",
    );
    expect(section).toContain("- **Missed**: Provost, PostgreSQL, p99 ms: 3; wanted: at most 2.");
    expect(section).toContain("- **Failed**: pg-boss, round 3: `not_ended`.");
  });

  test("a section takes the place of the one before, and nothing else is touched", () => {
    const first = withSection("# Page\n\nWords.\n", "drain", "old");
    const both = withSection(first, "flows", "kept");
    const renewed = withSection(both, "drain", "new $1");
    expect(renewed).toBe(both.replace("old", () => "new $1"));
    expect(renewed).toContain("Words.");
  });
});

describe("L5, L16 an urgent job's trial", () => {
  /** Eight slots: seven run all the while, one ended just before the urgent job came at 50. */
  const busy = Array.from({ length: 7 }, () => ({ start: 0, end: 100, isUrgent: false }));

  test("who was on its way to a free slot has not overtaken it; the next one has", () => {
    expect(overtakers([...busy, ordinary(51)], 100, 50)).toBe(0);
    expect(overtakers([...busy, ordinary(51), ordinary(100)], 101, 50)).toBe(1);
    expect(overtakers([...busy, ordinary(51), ordinary(102)], 101, 50)).toBe(0);
  });
});

function ordinary(start: number): { start: number; end: number; isUrgent: boolean } {
  return { start, end: start + 100, isUrgent: false };
}
