import type { JobFailure, JobId } from "../core/job.ts";
import type { RemoteRenewal, RenewState } from "../transporters/transporter.ts";

/** What the manager gives its lease thread at the start, and what the thread tells; both are cloned. */
export interface LeaseThreadData {
  table: SharedArrayBuffer;
  remote: RemoteRenewal;
  leaseMs: number;
  onStuck: OnStuck;
}

/** What becomes of a process whose inline job does not end after its timeout and grace (L9). */
export type OnStuck = "report" | "exit";

export type FromLeaseThread =
  | { started: true }
  | { renewed: { id: JobId; fence: number; state: RenewState; untilUs: number }[] }
  | { failed: JobFailure };
