import type { EventAction } from "../events/event-record.ts";

/**
 * The states of a Linode and what leads from one to the next, as pure functions (C16).
 *
 *   provisioning ──image, booted──▶ booting ──▶ running ◀──▶ rebooting
 *        └──otherwise──▶ offline ──boot──▶ booting │
 *                          ▲──────shutting_down◀───┘      any ──delete──▶ deleting ──▶ gone
 *
 *   running | offline ──resize──▶ resizing ──▶ as before (running by way of booting, after a warm one of rebooting)
 *   running | offline ──rebuild─▶ rebuilding ──booted──▶ booting, otherwise offline
 *   running | offline ──restore─▶ restoring ──▶ offline
 *
 * States in -ing end by themselves after a time; `running` and `offline` stay until a signal.
 */
export type PassingStatus =
  | "provisioning"
  | "booting"
  | "rebooting"
  | "shutting_down"
  | "deleting"
  | "resizing"
  | "rebuilding"
  | "restoring";

export type InstanceStatus = PassingStatus | "running" | "offline";

/** Where a passing state leads; `gone` is the end of the instance. */
export type End = InstanceStatus | "gone";

export type Signal = "boot" | "reboot" | "shutdown" | "delete";

export interface Passage {
  /** What the account's feed calls it. */
  action: EventAction;
  /** Where it leads when nobody says otherwise. */
  ends: End;
  /** Where it leads when it fails; undefined: where it would have led, with nothing changed. */
  fails: InstanceStatus | undefined;
}

export const PASSAGES: Readonly<Record<PassingStatus, Passage>> = {
  provisioning: { action: "linode_create", ends: "offline", fails: "offline" },
  booting: { action: "linode_boot", ends: "running", fails: "offline" },
  rebooting: { action: "linode_reboot", ends: "running", fails: "offline" },
  shutting_down: { action: "linode_shutdown", ends: "offline", fails: "running" },
  deleting: { action: "linode_delete", ends: "gone", fails: "offline" },
  resizing: { action: "linode_resize", ends: "offline", fails: undefined },
  rebuilding: { action: "linode_rebuild", ends: "offline", fails: "offline" },
  restoring: { action: "backups_restore", ends: "offline", fails: "offline" },
};

export function isPassing(status: End): status is PassingStatus {
  return status !== "running" && status !== "offline" && status !== "gone";
}

/** Where a resize leads, so that the instance is as it was. A warm one moves the running guest and reboots it. */
export function endOfResize(status: "running" | "offline", migration: "cold" | "warm"): InstanceStatus {
  if (status === "offline") return "offline";
  return migration === "warm" ? "rebooting" : "booting";
}

export type SignalVerdict =
  /** Accepted: the instance goes to this state at once. */
  | { to: PassingStatus }
  /** Accepted, and nothing to do. */
  | { to: undefined }
  /** Refused with Linode's 400 and this reason. */
  | { refused: string };

/** What Linode says of an instance that has something else to do. */
export const BUSY = "Linode busy.";

/** What a signal does to an instance in `status`. `id` only goes into the reason. */
export function applySignal(status: InstanceStatus, signal: Signal, id: number): SignalVerdict {
  if (signal === "delete") return { to: status === "deleting" ? undefined : "deleting" };
  if (isPassing(status)) return { refused: BUSY };
  if (signal === "boot") {
    return status === "offline" ? { to: "booting" } : { refused: `Linode ${id} already booted.` };
  }
  if (signal === "reboot") {
    return status === "running" ? { to: "rebooting" } : { refused: `Linode ${id} is not running.` };
  }
  return { to: status === "running" ? "shutting_down" : undefined };
}
