import type { FlowStatus, Job, JobFailure, JobId } from "./job.ts";
import { spoken } from "./spoken.ts";

/** A job that another one waits for, in short. */
export interface Holder {
  id: JobId;
  name: string;
  status: Job["status"];
  /** Number of the attempt that runs or comes next. */
  attempt: number;
  attempts: number;
  /** Until it is looked at again; of delayed ones. */
  nextInMs?: number;
  /** By hand. */
  held?: true;
}

/** Why a job is not running (L15). Durations by the store's clock, at the time of asking. */
export type Reason =
  /** A person holds it back (L6); there may be other reasons behind that. */
  | { kind: "held"; since: number; status: Job["status"] }
  /** A gate is closed (L6): `stage` of `stages`, counted from 1, must pass first. At most 10 holders are named. */
  | { kind: "gate"; stage: number; stages: number; unfinished: number; heldBy: Holder[] }
  /** Its parent is not processed yet (L6). */
  | { kind: "parent"; heldBy: Holder[] }
  /** The `onFailed` job of a flow that has not failed. */
  | { kind: "on-failed"; flowStatus: FlowStatus }
  /** Its retry time is ahead, unless its key is woken before (L7). */
  | { kind: "delay"; forMs: number; wakeKey?: string }
  | { kind: "paused"; queue: string }
  /** A limit of its queue is reached, or may be. */
  | { kind: "limit"; queue: string; limits: string[] }
  /** No manager that is there has a handler of its name and claims from its queue. */
  | { kind: "no-worker"; name: string; queue: string; managers: number }
  /** Ready; others of its queue go first. */
  | { kind: "line"; queued: number; managers: number }
  | { kind: "running"; manager: string; forMs: number; leaseMs: number; cancelRequested: boolean }
  /** Claimed, not started yet. */
  | { kind: "claimed"; manager: string; leaseMs: number }
  /** `noAttemptsLeft`: its budget is used up (L10). */
  | {
      kind: "final";
      status: "processed" | "failed" | "cancelled";
      agoMs: number;
      noAttemptsLeft: boolean;
      failure?: JobFailure;
    };

/** The reason as one sentence, without a full stop. */
export function sentenceOf(job: Job, reason: Reason): string {
  switch (reason.kind) {
    case "held":
      return `is held by hand since ${new Date(reason.since).toISOString()}; it is ${reason.status} otherwise (${attempt(job)})`;
    case "gate":
      return `waits for stage ${reason.stage} of ${reason.stages}: ${holders(reason.heldBy, reason.unfinished)}`;
    case "parent":
      return `waits for its parent: ${holders(reason.heldBy, 1)}`;
    case "on-failed":
      return `runs only if its flow fails; the flow is ${reason.flowStatus}`;
    case "delay": {
      const woken = reason.wakeKey === undefined ? "" : `, or when ${JSON.stringify(reason.wakeKey)} is woken`;
      return `is due in ${spoken(reason.forMs)}${woken} (${attempt(job)})`;
    }
    case "paused":
      return `queue ${JSON.stringify(reason.queue)} is paused`;
    case "limit":
      return `queue ${JSON.stringify(reason.queue)} has reached a limit: ${reason.limits.join(", ")}`;
    case "no-worker": {
      const there = reason.managers === 0 ? "no manager is running" : `none of ${reason.managers} managers runs it`;
      return `no worker for ${JSON.stringify(reason.name)} in queue ${JSON.stringify(reason.queue)}: ${there}`;
    }
    case "line":
      return `is ready, one of ${reason.queued} in its queue, for ${reason.managers} ${reason.managers === 1 ? "manager" : "managers"} (${attempt(job)})`;
    case "running": {
      const cancel = reason.cancelRequested ? ", asked to end" : "";
      const held = job.heldAt === undefined ? "" : ", held by hand from its end on";
      return `is running for ${spoken(reason.forMs)} at ${reason.manager}${cancel}${held} (${attempt(job)})`;
    }
    case "claimed":
      return `is claimed by ${reason.manager}, not started yet`;
    default:
      return ended(job, reason);
  }
}

function ended(job: Job, { status, agoMs, noAttemptsLeft, failure }: Extract<Reason, { kind: "final" }>): string {
  const budget = noAttemptsLeft ? `, no attempts left of ${job.attempts}` : "";
  const cause = failure === undefined ? "" : `: ${failure.message.split("\n", 1)[0]}`;
  return `was ${status} ${spoken(agoMs)} ago${budget}${cause}`;
}

function holders(heldBy: readonly Holder[], unfinished: number): string {
  const [first] = heldBy;
  if (first === undefined) return `${unfinished} ${unfinished === 1 ? "job" : "jobs"} not finished`;
  const status = first.held === true ? "held by hand" : first.status.replace("_", " ");
  const next = first.nextInMs === undefined || first.held === true ? status : `next look in ${spoken(first.nextInMs)}`;
  const more = unfinished > 1 ? `, and ${unfinished - 1} more` : "";
  return `${first.name} (attempt ${first.attempt} of ${first.attempts}, ${next})${more}`;
}

function attempt(job: Job): string {
  return `attempt ${Math.min(job.attemptsUsed + 1, job.attempts)} of ${job.attempts}`;
}
