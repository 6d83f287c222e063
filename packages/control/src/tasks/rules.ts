import type { InstanceStatus, TaskKind } from "@provost/contract";
import type { Timings } from "../options.ts";
import type { ProviderInstance } from "../providers/provider.ts";

/** The steps that tasks are made of. Each leads to a state that can be looked up, and does nothing where that is reached. */
export type StepName =
  | "look"
  | "start"
  | "start-again"
  | "stop"
  | "power-off"
  | "reboot"
  | "change"
  | "compare"
  | "snapshot"
  | "restore";

/** What puts things back; their marks are apart from the steps' own. */
export type UndoName = "undo-stop" | "undo-change" | "undo-start";

interface TaskRule {
  /** As the instance's status says it meanwhile. */
  status: InstanceStatus;
  /** What the user wants from here on; undefined: what he wanted before. */
  desired?: "running" | "stopped" | "destroyed";
  /** After a first `look`. */
  steps: readonly StepName[];
  /** What a failure puts back: plan and power, the power alone, or nothing. */
  undo: readonly UndoName[];
}

/**
 * C9: what each task does, in order. `stop` does nothing where the provider can change what runs, `start-again` where it was
 * stopped before. A restore always works on a stopped instance: what is asked twice then destroys nothing that was written meanwhile.
 */
export const taskRules: Readonly<Record<TaskKind, TaskRule>> = {
  boot: { status: "booting", desired: "running", steps: ["start"], undo: [] },
  reboot: { status: "rebooting", desired: "running", steps: ["reboot"], undo: ["undo-start"] },
  shutdown: { status: "stopping", desired: "stopped", steps: ["stop"], undo: [] },
  "power-off": { status: "stopping", desired: "stopped", steps: ["power-off"], undo: [] },
  resize: {
    status: "resizing",
    steps: ["stop", "change", "start-again", "compare"],
    undo: ["undo-stop", "undo-change", "undo-start"],
  },
  snapshot: { status: "snapshotting", steps: ["snapshot"], undo: [] },
  restore: { status: "restoring", steps: ["stop", "restore", "start-again"], undo: ["undo-start"] },
  // Has a flow of its own, that goes on until the provider says gone.
  destroy: { status: "destroying", desired: "destroyed", steps: [], undo: [] },
};

/** Nothing is under way there: what it says now stays until somebody does something. */
export function isAtRest({ status }: Pick<ProviderInstance, "status">): boolean {
  return status === "running" || status === "stopped";
}

/** C9: the status of an instance without a task, by what the provider says; `before` where that says nothing. */
export function restingStatus(seen: string | null | undefined, before: InstanceStatus): InstanceStatus {
  return seen === "running" || seen === "stopped" ? seen : before;
}

/** C7: how long a task may take from the provider's first answer on, by its own clock; putting things back has as long again. */
export function taskMaxMs(kind: TaskKind, timings: Timings): number {
  if (kind === "resize") return timings.resizeMaxMs;
  return kind === "snapshot" || kind === "restore" ? timings.backupMaxMs : timings.signalMaxMs;
}

/** For people: "Reboot", "Power-off". */
export function titleOf(kind: TaskKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
