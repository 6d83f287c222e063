import type { AttemptEnd } from "../core/outcome.ts";
import type { JobsErrorCode } from "../core/errors.ts";
import type { MemoryCall, PermitLost } from "../memory/channel.ts";
import type { ThreadSeat } from "../memory/manager-scopes.ts";
import type { Claimed } from "../transporters/transporter.ts";

/** What a manager and its isolated processes (threads and children alike) say to one another. Everything here is cloned. */
export type ToIsolated =
  /** Answered by `loaded` or `refused`. */
  | { kind: "load"; module: string; job: string }
  /** Answered by `ended`, behind `mark` on both output streams. */
  | { kind: "run"; module: string; claimed: Claimed; mark: string }
  | { kind: "abort"; code: JobsErrorCode; message: string }
  /** Before the first `run`: a thread's place at the table of semaphores (L12). */
  | { kind: "seat"; seat: ThreadSeat }
  | ({ kind: "permit-lost" } & PermitLost)
  | ({ kind: "answer"; ask: number } & Answer);

export type FromIsolated =
  | { kind: "ready" }
  | { kind: "loaded" }
  | { kind: "refused"; message: string }
  | { kind: "ended"; end: AttemptEnd; memoryBytes: number }
  | { kind: "ask"; ask: number; what: Question | MemoryCall }
  | { kind: "progress"; value: string }
  | { kind: "log"; message: string; fields: Readonly<Record<string, unknown>> };

/** What a running attempt can ask of its manager. */
export type Question = "now" | "flowFailure" | { resultsOf: string };

export type Answer = { value: unknown } | { error: { code: JobsErrorCode; message: string } };
