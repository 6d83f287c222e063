/**
 * The states of a Linode and what leads from one to the next, as pure functions (C16).
 *
 *   provisioning ──image, booted──▶ booting ──▶ running ◀──▶ rebooting
 *        └──otherwise──▶ offline ──boot──▶ booting │
 *                          ▲──────shutting_down◀───┘      any ──delete──▶ deleting ──▶ gone
 *
 * States in -ing end by themselves after a time; `running` and `offline` stay until a signal.
 */
export type InstanceStatus =
  | "provisioning"
  | "booting"
  | "running"
  | "rebooting"
  | "shutting_down"
  | "offline"
  | "deleting";

export type Signal = "boot" | "reboot" | "shutdown" | "delete";

const ENDS_IN: Readonly<Record<Exclude<InstanceStatus, "provisioning">, InstanceStatus | "gone" | undefined>> = {
  booting: "running",
  rebooting: "running",
  shutting_down: "offline",
  deleting: "gone",
  running: undefined,
  offline: undefined,
};

/** Where a passing state leads, `gone` for the end of the instance, undefined for a state that stays. */
export function nextStatus(status: InstanceStatus, bootsAfterCreate: boolean): InstanceStatus | "gone" | undefined {
  if (status === "provisioning") return bootsAfterCreate ? "booting" : "offline";
  return ENDS_IN[status];
}

export type SignalVerdict =
  /** Accepted: the instance goes to this state at once. */
  | { to: InstanceStatus }
  /** Accepted, and nothing to do. */
  | { to: undefined }
  /** Refused with Linode's 400 and this reason. */
  | { refused: string };

const BUSY: SignalVerdict = { refused: "Linode busy." };

/** What a signal does to an instance in `status`. `id` only goes into the reason. */
export function applySignal(status: InstanceStatus, signal: Signal, id: number): SignalVerdict {
  if (signal === "delete") return { to: status === "deleting" ? undefined : "deleting" };
  if (status !== "running" && status !== "offline") return BUSY;
  if (signal === "boot") {
    return status === "offline" ? { to: "booting" } : { refused: `Linode ${id} already booted.` };
  }
  if (signal === "reboot") {
    return status === "running" ? { to: "rebooting" } : { refused: `Linode ${id} is not running.` };
  }
  return { to: status === "running" ? "shutting_down" : undefined };
}
