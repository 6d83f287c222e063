import type { Instance } from "@provost/contract";
import { Camera, CircleStop, History, Maximize2, Play, Power, RotateCw, Trash2, type LucideIcon } from "lucide-react";

export type ActionName = "boot" | "reboot" | "shutdown" | "power-off" | "resize" | "snapshot" | "restore" | "destroy";

export interface Action {
  name: ActionName;
  label: string;
  icon: LucideIcon;
  danger?: boolean;
  /** Why it cannot be done now. */
  disabled: string | undefined;
}

const icons: Record<ActionName, LucideIcon> = {
  boot: Play,
  reboot: RotateCw,
  shutdown: CircleStop,
  "power-off": Power,
  resize: Maximize2,
  snapshot: Camera,
  restore: History,
  destroy: Trash2,
};

const labels: Record<ActionName, string> = {
  boot: "Boot",
  reboot: "Reboot",
  shutdown: "Shut down",
  "power-off": "Power off",
  resize: "Resize",
  snapshot: "Snapshot",
  restore: "Restore",
  destroy: "Destroy",
};

const up: readonly Instance["status"][] = ["provisioned", "running"];

/** What can be done with an instance as it stands, in the order in which it is shown. What makes no sense at all is left out. */
export function actionsFor(instance: Instance): Action[] {
  const { status, task, protected: kept } = instance;
  if (["destroyed", "released"].includes(status)) return [];
  const busy = task === undefined ? undefined : `${task.kind} is under way: one thing at a time`;
  const isUp = up.includes(status);
  const there = isUp || status === "stopped" || busy !== undefined;
  const action = (name: ActionName, possible: string | undefined): Action => ({
    name,
    label: labels[name],
    icon: icons[name],
    disabled: busy ?? possible,
    ...(name === "destroy" || name === "power-off" ? { danger: true } : {}),
  });
  const needsUp = isUp ? undefined : `It is ${status}`;
  const actions = [
    ...(status === "stopped" ? [action("boot", undefined)] : []),
    action("reboot", needsUp),
    action("shutdown", needsUp),
    action("power-off", needsUp),
    action("resize", there ? undefined : `It is ${status}`),
    action("snapshot", there ? undefined : `It is ${status}`),
    action("restore", there ? undefined : `It is ${status}`),
  ];
  const protection = kept ? "It is protected: unprotect it first" : undefined;
  const going = status === "destroying" ? "It is being destroyed" : undefined;
  // A deploy under way is cancelled by it.
  const destroy = {
    ...action("destroy", undefined),
    disabled: going ?? protection ?? (task?.kind === "deploy" ? undefined : busy),
  };
  return status === "failed" || status === "missing" ? [destroy] : [...actions, destroy];
}
