import { describe, expect, test } from "vitest";
import {
  applySignal,
  endOfResize,
  type End,
  type InstanceStatus,
  isPassing,
  PASSAGES,
  type PassingStatus,
  type Signal,
} from "./transitions.ts";

const PASSING: PassingStatus[] = [
  "provisioning",
  "booting",
  "rebooting",
  "shutting_down",
  "deleting",
  "resizing",
  "rebuilding",
  "restoring",
];
const STATUSES: InstanceStatus[] = [...PASSING, "running", "offline"];

describe("states of a Linode (C16)", () => {
  test("every passing state has a passage, and no other state", () => {
    expect(Object.keys(PASSAGES).toSorted()).toEqual(PASSING.toSorted());
    expect(STATUSES.filter(isPassing)).toEqual(PASSING);
  });

  test("every passing state comes to rest, whether it succeeds or fails", () => {
    for (const start of PASSING) {
      for (const fails of [false, true]) {
        let status: End = start;
        for (let steps = 0; isPassing(status); steps++) {
          expect(steps).toBeLessThan(4);
          const passage: (typeof PASSAGES)[PassingStatus] = PASSAGES[status];
          status = fails ? (passage.fails ?? passage.ends) : passage.ends;
        }
        expect(["running", "offline", "gone"]).toContain(status);
      }
    }
  });

  test("a resize leaves the power as it was (C9)", () => {
    expect(endOfResize("offline", "cold")).toBe("offline");
    expect(endOfResize("offline", "warm")).toBe("offline");
    expect(PASSAGES.booting.ends).toBe("running");
    expect(endOfResize("running", "cold")).toBe("booting");
    expect(endOfResize("running", "warm")).toBe("rebooting");
  });

  test.each<[InstanceStatus, Signal, InstanceStatus]>([
    ["offline", "boot", "booting"],
    ["running", "reboot", "rebooting"],
    ["running", "shutdown", "shutting_down"],
  ])("%s takes %s and goes to %s", (status, signal, to) => {
    expect(applySignal(status, signal, 7)).toEqual({ to });
  });

  test("delete is taken in every state", () => {
    for (const status of STATUSES) {
      expect(applySignal(status, "delete", 7)).toEqual({ to: status === "deleting" ? undefined : "deleting" });
    }
  });

  test("a passing state refuses other signals as busy", () => {
    for (const status of PASSING) {
      for (const signal of ["boot", "reboot", "shutdown"] as const) {
        expect(applySignal(status, signal, 7)).toEqual({ refused: "Linode busy." });
      }
    }
  });

  test("booting what runs and rebooting what does not is refused by name, stopping what stopped does nothing", () => {
    expect(applySignal("running", "boot", 7)).toEqual({ refused: "Linode 7 already booted." });
    expect(applySignal("offline", "reboot", 7)).toEqual({ refused: "Linode 7 is not running." });
    expect(applySignal("offline", "shutdown", 7)).toEqual({ to: undefined });
  });
});
