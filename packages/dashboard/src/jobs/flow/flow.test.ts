import type { FlowNodeView, FlowStageView } from "@provost/contract";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closable, parentIndex, rowsOf, stepOf } from "./rows.ts";
import { barsOf, spanOf, stageBar, ticksOf } from "./waterfall.ts";

const at = (seconds: number): string => new Date(seconds * 1_000).toISOString();

function node(id: string, changes: Partial<FlowNodeView> = {}): FlowNodeView {
  return {
    id,
    name: "work",
    status: "processed",
    queue: "default",
    priority: 0,
    attempts: 30,
    attemptsUsed: 1,
    createdAt: at(0),
    readyAt: at(0),
    stages: [],
    ...changes,
  };
}

function stage(id: string, jobs: FlowNodeView[], more = 0): FlowStageView {
  return { id, position: 0, policy: "all-processed", state: "open", jobs, counts: { processed: jobs.length + more } };
}

const none = new Set<string>();
const flow = {
  stages: [stage("1", [node("10", { stages: [stage("2", [node("11")])] }), node("12")], 3)],
  onFailed: node("20"),
};
const keys = (closed: ReadonlySet<string>, more = new Map<string, FlowNodeView[]>()): string[] =>
  rowsOf(flow, closed, more).map(({ key }) => key);

describe("L6: the tree of a flow", () => {
  it("is lines of stages, their jobs, and the job for its failure", () => {
    expect(rowsOf(flow, none, new Map()).map(({ key, depth }) => `${depth} ${key}`)).toEqual([
      "0 stage-1",
      "1 job-10",
      "2 stage-2",
      "3 job-11",
      "1 job-12",
      "1 more-1",
      "0 job-20",
    ]);
  });

  it("hides what lies below a closed line, and can close all", () => {
    expect(keys(new Set(["job-10"]))).toEqual(["stage-1", "job-10", "job-12", "more-1", "job-20"]);
    expect(closable(flow)).toEqual(["stage-1", "job-10", "stage-2"]);
    expect(keys(new Set(closable(flow)))).toEqual(["stage-1", "job-20"]);
  });

  it("lists each job once, however often it was read, until none is left", () => {
    const more = new Map([["1", [node("10"), node("13"), node("14"), node("15")]]]);
    expect(keys(none, more)).toEqual([
      "stage-1",
      "job-10",
      "stage-2",
      "job-11",
      "job-12",
      "job-13",
      "job-14",
      "job-15",
      "job-20",
    ]);
  });

  it("leads from a line to what encloses it", () => {
    const rows = rowsOf(flow, none, new Map());
    expect(rows.map((_, index) => parentIndex(rows, index))).toEqual([0, 0, 1, 2, 0, 0, 6]);
  });
});

describe("the keys of the tree", () => {
  const rows = rowsOf(flow, new Set(["job-10"]), new Map());

  it("go through the lines, and stop at its ends", () => {
    expect(stepOf("ArrowDown", rows, -1)).toEqual({ go: 0 });
    expect(stepOf("ArrowUp", rows, 0)).toEqual({ go: 0 });
    expect(stepOf("End", rows, 0)).toEqual({ go: rows.length - 1 });
    expect(stepOf("ArrowDown", rows, rows.length - 1)).toEqual({ go: rows.length - 1 });
  });

  it("open and close, or go in and out", () => {
    expect(stepOf("ArrowLeft", rows, 0)).toEqual({ toggle: "stage-1" });
    expect(stepOf("ArrowRight", rows, 0)).toEqual({ go: 1 });
    expect(stepOf("ArrowRight", rows, 1)).toEqual({ toggle: "job-10" });
    expect(stepOf("ArrowLeft", rows, 1)).toEqual({ go: 0 });
  });

  it("do what a line is for, and nothing where no line is chosen", () => {
    expect(stepOf("Enter", rows, 1)).toEqual({ act: rows[1] });
    expect(stepOf("Enter", rows, -1)).toBeUndefined();
    expect(stepOf("x", rows, 1)).toBeUndefined();
  });
});

describe("the waterfall of a flow", () => {
  const span = spanOf({ createdAt: at(0), finishedAt: at(10) }, 99_000);

  it("has waits before runs", () => {
    const done = node("1", { createdAt: at(1), startedAt: at(4), finishedAt: at(9) });
    expect(barsOf(done, span, 10_000)).toEqual([
      { from: 0.1, to: 0.4, kind: "wait" },
      { from: 0.4, to: 0.9, kind: "run" },
    ]);
  });

  it("goes on until now for what is not finished, in its kind", () => {
    expect(barsOf(node("1", { status: "waiting" }), span, 5_000)).toEqual([{ from: 0, to: 0.5, kind: "wait" }]);
    const running = node("1", { status: "in_progress", startedAt: at(2) });
    expect(barsOf(running, span, 5_000).at(-1)).toEqual({ from: 0.2, to: 0.5, kind: "run" });
    const between = node("1", { status: "delayed", startedAt: at(2) });
    expect(barsOf(between, span, 5_000).at(-1)).toEqual({ from: 0.2, to: 0.5, kind: "wait" });
  });

  it("of a stage goes from its first start to its last end", () => {
    const passed: FlowStageView = { ...stage("1", []), state: "passed", firstStartedAt: at(2), lastFinishedAt: at(6) };
    expect(stageBar(passed, span, 10_000)).toEqual([{ from: 0.2, to: 0.6, kind: "run" }]);
    expect(stageBar({ ...passed, state: "open" }, span, 10_000)).toEqual([{ from: 0.2, to: 1, kind: "run" }]);
    expect(stageBar(stage("1", []), span, 10_000)).toEqual([]);
  });

  it("stays inside the span and in order, whatever the clocks say", () => {
    const second = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(second, fc.option(second), fc.option(second), second, (created, started, finished, now) => {
        const bars = barsOf(
          node("1", {
            status: finished === null ? "in_progress" : "failed",
            createdAt: at(created),
            ...(started === null ? {} : { startedAt: at(started) }),
            ...(finished === null ? {} : { finishedAt: at(finished) }),
          }),
          span,
          now * 1_000,
        );
        for (const { from, to } of bars) {
          expect(from).toBeGreaterThanOrEqual(0);
          expect(to).toBeLessThanOrEqual(1);
          expect(to).toBeGreaterThanOrEqual(from);
        }
        for (const [index, bar] of bars.entries()) expect(bar.from).toBeGreaterThanOrEqual(bars[index - 1]?.to ?? 0);
      }),
    );
  });

  it("names round times on its axis", () => {
    expect(ticksOf(span, 5).map(({ ms }) => ms)).toEqual([0, 2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(spanOf({ createdAt: at(5) }, 5_000)).toEqual({ start: 5_000, end: 5_001 });
  });
});
