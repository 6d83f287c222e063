import type { JobFailure, JobId } from "../core/job.ts";
import type { RemoteRenewal, RenewState } from "../transporters/transporter.ts";

/** What the manager gives its lease thread at the start, and what the thread tells; both are cloned. */
export interface LeaseThreadData {
  table: SharedArrayBuffer;
  remote: RemoteRenewal;
  leaseMs: number;
  /** How long what has not begun stays behind a blocked event loop. */
  unstartedMs: number;
  onStuck: OnStuck;
}

/** What becomes of a process whose inline job does not end after its timeout and grace (L9). */
export type OnStuck = "report" | "exit";

export type FromLeaseThread =
  | { started: true }
  | { renewed: { id: JobId; fence: number; state: RenewState; untilUs: number }[] }
  /** Claims that were not begun, back in their queues: this event loop is blocked. */
  | { givenBack: number }
  | { failed: JobFailure };
