import type { FailureCode } from "@provost/contract";
import type { Backup } from "../providers/backup.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import { isAtRest, type StepName, type UndoName } from "./rules.ts";
import type { Mark, Progress } from "./task-row.ts";

/** Calls of one step that the provider accepts, and nothing comes of them. */
export const callsMax = 3;

/** What the provider's feed of changes says of a call (C4); `unreadable`: it has none, or has forgotten. */
export type Evidence = "none" | "started" | "finished" | "failed" | "unreadable";

/** What a step is decided by: what the provider says now, and what was asked of it. */
export interface Facts {
  seen: ProviderInstance;
  before: NonNullable<Progress["before"]>;
  mark: Mark | undefined;
  /** Since the last call, in ms. */
  sinceMs: number;
  /** The type that a resize wants. */
  type: string | undefined;
  /** It can be changed while it runs. */
  mayRun: boolean;
  canCutPower: boolean;
  /** Not asked for yet: undefined. */
  evidence?: Evidence | undefined;
  /** The snapshot's: undefined before the backups were read, null when there is none of its label. */
  backup?: Backup | null | undefined;
  againMs: number;
  quietMs: number;
}

export type Decision =
  /** Its state is reached. */
  | { to: "end"; backupId?: string }
  /** Ask the provider for the change. */
  | { to: "call" }
  /** Something is under way; `acted`: that is what was asked for, though its answer was lost. */
  | { to: "wait"; acted?: true }
  /** Read the feed of changes, or the backups, and decide again. */
  | { to: "read-feed" }
  | { to: "read-backups" }
  | { to: "fail"; code: FailureCode; message: string };

const end: Decision = { to: "end" };
const wait: Decision = { to: "wait" };
const call: Decision = { to: "call" };

/** C9, C4 as a pure function: what a step does next. Nothing is asked twice that would do harm the second time. */
export function decide(step: StepName | UndoName, facts: Facts): Decision {
  const { seen, before, type } = facts;
  const wasRunning = before.power === "running";
  switch (step) {
    case "look":
      return isAtRest(seen) ? end : wait;
    case "start":
      return powered("running", facts);
    case "start-again":
    case "undo-start":
      return wasRunning ? powered("running", facts) : end;
    case "stop":
      return facts.mayRun ? end : powered("stopped", facts);
    case "undo-stop":
      if (!isAtRest(seen)) return wait;
      return facts.mayRun || seen.type === before.type ? end : powered("stopped", facts);
    case "power-off":
      // What hangs as it stops is what power-off is for.
      if (seen.status === "stopping" && facts.canCutPower && facts.mark === undefined) return call;
      return powered("stopped", facts);
    case "change":
      return typed(type ?? before.type, facts);
    case "undo-change":
      return typed(before.type, facts);
    case "compare":
      return compared(facts);
    case "reboot":
      return rebooted(facts);
    case "snapshot":
      return saved(facts);
    default:
      step satisfies "restore";
      return restored(facts);
  }
}

function powered(goal: "running" | "stopped", facts: Facts): Decision {
  if (facts.seen.status === goal) return end;
  return isAtRest(facts.seen) ? again(facts) : wait;
}

function typed(type: string, facts: Facts): Decision {
  if (!isAtRest(facts.seen)) return wait;
  return facts.seen.type === type ? end : again(facts);
}

/** The first call, or another one after a while without any effect. */
function again({ mark, sinceMs, againMs, seen }: Facts): Decision {
  if (mark === undefined) return call;
  if (sinceMs < againMs) return wait;
  if (mark.calls < callsMax) return call;
  const asked = mark.open ? "was asked" : "has accepted it";
  const message = `The provider ${asked} ${mark.calls} times; the server is ${seen.statusText}, of the type ${seen.type}.`;
  return { to: "fail", code: "change_failed", message };
}

function compared({ seen, type, before }: Facts): Decision {
  if (!isAtRest(seen)) return wait;
  if (type !== undefined && seen.type !== type) {
    return { to: "fail", code: "change_failed", message: `It has the type ${seen.type}, not ${type}.` };
  }
  if (seen.status === before.power) return end;
  return { to: "fail", code: "change_failed", message: `It is ${seen.status}; before it was ${before.power}.` };
}

/** A second reboot does harm: asked for again only where the feed proves that the first was none. */
function rebooted(facts: Facts): Decision {
  const { seen, mark, sinceMs, evidence } = facts;
  const acts = seen.status === "rebooting" || seen.status === "booting" || seen.status === "stopping";
  if (acts && mark?.open === true) return { to: "wait", acted: true };
  if (!isAtRest(seen)) return wait;
  if (mark === undefined) {
    if (seen.status === "running") return call;
    return { to: "fail", code: "task_refused", message: "It is stopped: boot it instead." };
  }
  if (seen.status === "stopped") {
    if (sinceMs < facts.againMs) return wait;
    return { to: "fail", code: "change_failed", message: "It stopped and did not start again." };
  }
  if (!mark.open) return end;
  if (evidence === undefined) return { to: "read-feed" };
  if (evidence === "finished") return end;
  if (evidence === "started") return wait;
  if (evidence === "failed") return { to: "fail", code: "change_failed", message: "The provider says that it failed." };
  if (sinceMs < facts.quietMs) return wait;
  if (evidence === "none" && mark.calls < callsMax) return call;
  return {
    to: "fail",
    code: "outcome_unknown",
    message: "The provider's answer to the reboot was lost, and nothing shows whether it was done.",
  };
}

/** Its label belongs to this task alone: what has it is what was asked for. */
function saved(facts: Facts): Decision {
  const { backup, mark, sinceMs } = facts;
  if (!isAtRest(facts.seen)) return wait;
  if (mark === undefined) return call;
  if (backup === undefined) return { to: "read-backups" };
  if (backup === null) {
    if (sinceMs < (mark.open ? facts.quietMs : facts.againMs)) return wait;
    return again(facts);
  }
  if (backup.status === "available") return { to: "end", backupId: backup.id };
  if (backup.status === "pending") return wait;
  return { to: "fail", code: "change_failed", message: "The provider says that the snapshot failed." };
}

/** Nothing but the feed tells whether the disks were put back. The instance is stopped: once more does no harm. */
function restored(facts: Facts): Decision {
  const { seen, mark, sinceMs, evidence } = facts;
  if (!isAtRest(seen)) return wait;
  if (seen.status === "running" && mark === undefined) {
    return { to: "fail", code: "task_refused", message: "It was booted by somebody else." };
  }
  if (mark === undefined) return call;
  if (evidence === undefined) return { to: "read-feed" };
  if (evidence === "finished") return end;
  if (evidence === "started") return wait;
  if (evidence === "failed") return { to: "fail", code: "change_failed", message: "The provider says that it failed." };
  if (!mark.open) return sinceMs < facts.againMs ? wait : end;
  if (sinceMs < facts.quietMs) return wait;
  if (mark.calls < callsMax && seen.status === "stopped") return call;
  return {
    to: "fail",
    code: "outcome_unknown",
    message: "The provider's answers to the restore were lost, and nothing shows whether it was done.",
  };
}
