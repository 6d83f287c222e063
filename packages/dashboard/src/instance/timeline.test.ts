import type { InstanceEvent } from "@provost/contract";
import { describe, expect, test } from "vitest";
import { timelineOf } from "./timeline.ts";

let seq = 0;
const event = (second: number, kind: InstanceEvent["kind"], more: Partial<InstanceEvent> = {}): InstanceEvent => ({
  seq: (seq += 1),
  instanceId: "in_1",
  at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  kind,
  message: kind,
  ...more,
});

const begun = [event(0, "requested"), event(1, "creating"), event(3, "accepted")];
const booted = [
  ...begun,
  event(10, "stage", { stage: "booting" }),
  event(10, "active"),
  event(12, "stage", { stage: "configuring" }),
];
const brief = (status: Parameters<typeof timelineOf>[0]["status"], events: InstanceEvent[]) =>
  timelineOf({ status }, events)?.map(({ id, state, startedAt, endedAt }) => [
    id,
    state,
    endedAt === undefined || startedAt === undefined ? undefined : (endedAt - startedAt) / 1_000,
  ]);

describe("timelineOf", () => {
  test("a deploy that went well, with the seconds of each step", () => {
    const done = [
      ...booted,
      event(20, "stage", { stage: "ready" }),
      event(21, "provisioned"),
      event(99, "task_started"),
    ];
    expect(brief("running", done)).toEqual([
      ["request", "done", 1],
      ["create", "done", 2],
      ["start", "done", 7],
      ["booting", "done", 2],
      ["configuring", "done", 8],
      ["ready", "done", 1],
    ]);
  });

  test("under way: the last step runs, the rest is to come", () => {
    expect(brief("provisioning", begun)?.map(([, state]) => state)).toEqual([
      "done",
      "done",
      "running",
      "pending",
      "pending",
      "pending",
    ]);
  });

  test("a failure stands at the step it happened in", () => {
    const steps = timelineOf({ status: "failed" }, [...booted, event(14, "failed", { message: "exit code 3" })]);
    expect(steps?.find(({ state }) => state === "failed")).toMatchObject({ id: "configuring" });
    expect(steps?.at(4)?.events.map(({ message }) => message)).toContain("exit code 3");
    expect(steps?.at(5)?.state).toBe("pending");
  });

  test("calls to the provider are counted", () => {
    const again = event(2, "note", { message: "The provider shows no such server: asks again (call 3)" });
    const steps = timelineOf(
      { status: "creating" },
      [begun[0], begun[1], again].filter((each) => each !== undefined),
    );
    expect(steps?.find(({ id }) => id === "create")).toMatchObject({ attempts: 3, state: "running" });
  });

  test("a server that was adopted was not deployed here", () => {
    expect(timelineOf({ status: "running" }, [event(0, "adopted")])).toBeUndefined();
  });
});
