import { describe, expect, test } from "vitest";
import type { FlowStage } from "../transporters/sight.ts";
import { gateOf } from "./gate.ts";
import type { Job } from "./job.ts";

function job(id: string, stage: number, differs: Partial<Job> = {}): Job {
  return {
    id,
    name: `job-${id}`,
    queue: "default",
    lane: "short",
    status: "queued",
    input: "null",
    basePriority: 100,
    priority: 100,
    attempts: 30,
    attemptsUsed: 0,
    crashes: 0,
    errors: 0,
    fence: 0,
    version: 0,
    timeoutMs: 1_000,
    cancelRequested: false,
    flowId: "1",
    stage,
    createdAt: 0,
    readyAt: 0,
    ...differs,
  };
}

function stageAt(
  id: string,
  position: number,
  state: FlowStage["state"],
  under?: [job: string, stage: string],
): FlowStage {
  const parent = under === undefined ? {} : { parentId: under[0], parentStageId: under[1] };
  return { id, position, state, policy: "all-processed", unfinished: state === "open" ? 1 : 0, ...parent };
}

describe("L6 L15 the gate that a waiting job stands before", () => {
  test("is the stage before it that is open, held by those under way in it and below it", () => {
    const stages = [
      stageAt("s0", 0, "passed"),
      stageAt("s1", 1, "open"),
      stageAt("s2", 2, "waiting"),
      stageAt("c0", 0, "open", ["20", "s1"]),
    ];
    const below = job("21", 0, { parentId: "20" });
    const gate = gateOf(job("30", 2, { status: "waiting" }), stages, [below]);
    expect(gate).toEqual({ kind: "stage", stage: 1, stages: 3, unfinished: 1, heldBy: [below] });
  });

  test("is its parent, when that has not ended", () => {
    const parent = job("20", 0, { status: "in_progress" });
    const stages = [stageAt("s0", 0, "open"), stageAt("c0", 0, "waiting", ["20", "s0"])];
    const waiting = job("21", 0, { parentId: "20", status: "waiting" });
    expect(gateOf(waiting, stages, [parent])).toEqual({ kind: "parent", heldBy: [parent] });
  });

  test("is the one further up that something is being done about, when its own waits for that", () => {
    const first = job("10", 0);
    const stages = [
      stageAt("s0", 0, "open"),
      stageAt("s1", 1, "waiting"),
      stageAt("c0", 0, "waiting", ["20", "s1"]),
      stageAt("c1", 1, "waiting", ["20", "s1"]),
    ];
    const waiting = job("22", 1, { parentId: "20", status: "waiting" });
    expect(gateOf(waiting, stages, [first])).toMatchObject({ kind: "stage", stage: 0, stages: 2, heldBy: [first] });
  });

  test("is none when it has opened meanwhile", () => {
    expect(gateOf(job("10", 0), [stageAt("s0", 0, "open")], [])).toBeUndefined();
  });
});
