import { describe, expect, test } from "vitest";
import { applySignal, type InstanceStatus, nextStatus, type Signal } from "./transitions.ts";

const STATUSES: InstanceStatus[] = [
  "provisioning",
  "booting",
  "running",
  "rebooting",
  "shutting_down",
  "offline",
  "deleting",
];

describe("states of a Linode (C16)", () => {
  test.each<[InstanceStatus, boolean, InstanceStatus | "gone" | undefined]>([
    ["provisioning", true, "booting"],
    ["provisioning", false, "offline"],
    ["booting", true, "running"],
    ["rebooting", true, "running"],
    ["shutting_down", true, "offline"],
    ["deleting", true, "gone"],
    ["running", true, undefined],
    ["offline", true, undefined],
  ])("%s (boots after create: %s) ends in %s", (status, boots, next) => {
    expect(nextStatus(status, boots)).toBe(next);
  });

  test("every passing state comes to rest", () => {
    for (const start of STATUSES) {
      let status: InstanceStatus | "gone" | undefined = start;
      for (let steps = 0; status !== undefined && status !== "gone"; steps++) {
        expect(steps).toBeLessThan(4);
        status = nextStatus(status, true);
      }
    }
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
    for (const status of STATUSES.filter((one) => one !== "running" && one !== "offline")) {
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
