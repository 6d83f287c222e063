import type { AttemptCause, JobFailure, JobId, ProcessKind } from "../core/job.ts";
import type { QueueSettings } from "../core/queue.ts";
import type { ManagerAsked } from "../transporters/sight.ts";
import type { FiredShard } from "../transporters/schedules.ts";
import type { Outcome } from "../transporters/transporter.ts";

/** What a manager tells of itself, for logs. Never holds an input, a result or a key. */
export type ManagerEvent =
  | { event: "manager.started"; manager: string }
  | { event: "manager.stopped"; manager: string; abandoned: number }
  /** By hand, over the store: to go on, to take no more jobs, to stop (L15). */
  | { event: "manager.asked"; manager: string; asked: ManagerAsked }
  | ({ event: "attempt.started" } & AttemptName)
  /** The store has taken the end of an attempt. */
  | ({ event: "attempt.settled"; outcome: Outcome["kind"]; cause?: AttemptCause; failure?: JobFailure } & AttemptName)
  /** The end was refused: another claim holds the job, or it has ended meanwhile (L3). */
  | ({ event: "attempt.refused"; why: string } & AttemptName)
  /** The end could not be handed over: the lease will run out and the job be rescued. */
  | ({ event: "attempt.unsettled"; failure: JobFailure } & AttemptName)
  | ({ event: "attempt.aborted"; reason: AbortReason } & AttemptName)
  /** An inline handler runs on after its abort and the grace: it keeps its slot and lease (L9). */
  | ({ event: "attempt.stuck"; reason: AbortReason } & AttemptName)
  | ({ event: "job.log"; message: string; fields: Readonly<Record<string, unknown>> } & AttemptName)
  /** A line that an isolated job printed; what it holds is the job's affair. */
  | ({ event: "job.output"; stream: "stdout" | "stderr"; line: string } & AttemptName)
  /** An isolated job did not heed its abort and is ended (L9). */
  | ({ event: "attempt.ending"; by: "SIGTERM" | "SIGKILL" | "terminate" } & AttemptName)
  /** Isolated processes come and go; `called` is `pid 4711` or `thread 3`. */
  | { event: "process.opened"; process: ProcessKind; called: string }
  | { event: "process.closed"; process: ProcessKind; called: string; message: string; jobsRun: number }
  /** The event loop was blocked: what it had claimed and not begun went back, at no cost (L9). */
  | { event: "claims.given-back"; claims: number }
  | { event: "rescue.found"; expired: number }
  | { event: "leader.elected" | "leader.deposed"; manager: string; fence: number }
  | { event: "tick.fired"; schedule: string; dueAt: number; lateMs: number; shard: FiredShard }
  /** Ticks that no manager fired in time, by the schedule's policy (L13). */
  | { event: "tick.missed"; schedule: string; ticks: number }
  /** What was kept long enough was removed (L17). */
  | { event: "pruned"; jobs: number; flows: number }
  /** By hand, here (L2, L14, L16). */
  | { event: "queue.configured"; queue: string; settings: QueueSettings }
  /** An administrator's exception to L6; kept with the job too. */
  | { event: "gate.forced"; jobId: JobId; by: string; reason: string }
  /** The hints of other processes do not get through here: what they enqueue is found by polling. Said once. */
  | { event: "store.deaf"; manager: string; pollMs: number }
  /** A service met an error and tries again after `retryInMs`. */
  | { event: "service.error"; service: ServiceName; failure: JobFailure; retryInMs: number };

export type ServiceName =
  | "claimer"
  | "settler"
  | "lease-keeper"
  | "lease-guard"
  | "processes"
  | "leader"
  | "scheduler"
  | "promoter"
  | "rescuer"
  | "watcher"
  | "pruner"
  | "herald"
  | "progress-keeper"
  | "log-keeper"
  | "minute-keeper";

/** `lease`: it could not be renewed in time, or another claim has the job. */
export type AbortReason = "timeout" | "cancel" | "stop" | "lease";

export interface AttemptName {
  jobId: JobId;
  name: string;
  fence: number;
}

export type Log = (event: ManagerEvent) => void;

/** A log that throws must not end the service that wrote to it. */
export function guarded(log: Log | undefined): Log {
  if (log === undefined) return () => undefined;
  return (event) => {
    try {
      log(event);
    } catch {
      // There is nobody left to tell.
    }
  };
}
