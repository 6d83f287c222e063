/** What a job is, in the words of LAWS.md. Nothing here knows where jobs are stored or where they run. */

/** Decimal digits; ascending in the order of enqueueing within a store (L1). */
export type JobId = string;

/** Frozen: `waiting` gate closed, `delayed` retry time ahead, `queued` ready, then the three ends. */
export type JobStatus = "waiting" | "delayed" | "queued" | "in_progress" | "processed" | "failed" | "cancelled";

/** Where a job runs: this event loop, a worker thread, a child process. */
export type ProcessKind = "inline" | "thread" | "process";

/** As a job's ends, and `running` until then (L6). */
export type FlowStatus = "running" | "processed" | "failed" | "cancelled";

/** A queue's kind (L8): `short` for bursts, `long` for hours. Each has slots of its own. */
export type Lane = "short" | "long";

/** What a stage needs to pass (L6). */
export type StagePolicy = "all-processed" | "fail-fast" | "all-settled";

/** Why an attempt ended without `processed`. `lost`: its manager or host died, or the lease ran out. */
export type AttemptCause = "released" | "deferred" | "error" | "timeout" | "crashed" | "lost" | "cancelled";

/** A failure as it is kept: never holds the job's input. */
export interface JobFailure {
  /** Stable: the code of the thrown error where it has one, else one of `JobsErrorCode`. */
  code: string;
  message: string;
  stack?: string;
  /** Whatever a handler wants to tell its `onFailed` job; JSON. */
  details?: unknown;
}

/** A job as it can be read. Instants are ms since 1970 by the store's clock. */
export interface Job {
  id: JobId;
  name: string;
  queue: string;
  lane: Lane;
  status: JobStatus;
  /** JSON text, as it was enqueued. */
  input: string;
  /** JSON text; of processed jobs only. */
  result?: string;
  /** 0–255, higher first (L1): as given, and as decay has left it (L4). */
  basePriority: number;
  priority: number;
  /** The budget and what of it is used (L10). */
  attempts: number;
  attemptsUsed: number;
  crashes: number;
  /** Attempts that ended in an error, a timeout or a crash: what the backoff grows by. */
  errors: number;
  /** Number of the latest claim; proves it at settlement (L3). */
  fence: number;
  /** Grows with every change that is not the holder's own: cancel, priority, retry. */
  version: number;
  timeoutMs: number;
  cancelRequested: boolean;
  flowId?: JobId;
  parentId?: JobId;
  /** Position of its stage under the parent, from 0. */
  stage?: number;
  uniqueKey?: string;
  wakeKey?: string;
  limitKey?: string;
  /** Held by hand since then: it is not started until that is taken back (L6). */
  heldAt?: number;
  /** Who forced its gate, and why (L5). */
  gateForcedBy?: string;
  failure?: JobFailure;
  createdAt: number;
  /** When it becomes or became ready. */
  readyAt: number;
  startedAt?: number;
  leaseUntil?: number;
  claimedBy?: string;
  finishedAt?: number;
}

/** One ended attempt that was not `processed`, kept for sight (L10) with the priority it cost (L4). */
export interface Attempt {
  jobId: JobId;
  fence: number;
  cause: AttemptCause;
  claimedBy: string;
  startedAt: number;
  endedAt: number;
  priorityBefore: number;
  priorityAfter: number;
  failure?: JobFailure;
}

/** A flow without its jobs: those are listed by `flowId`. */
export interface Flow {
  id: JobId;
  status: FlowStatus;
  /** The job whose failure or cancel ended it. */
  failedJobId?: JobId;
  failure?: JobFailure;
  /** Its claim carries `flowId`, but it is no member: how it ends does not change the flow. */
  onFailedJobId?: JobId;
  createdAt: number;
  finishedAt?: number;
}
