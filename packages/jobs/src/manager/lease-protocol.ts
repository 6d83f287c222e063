import type { JobFailure, JobId } from "../core/job.ts";
import type { RemoteRenewal, RenewState } from "../transporters/transporter.ts";

/** What the manager gives its lease thread at the start; cloned, as what they tell each other. */
export interface LeaseThreadData {
  leaseMs: number;
  /** How long what has not begun stays behind a blocked event loop. */
  unstartedMs: number;
  onStuck: OnStuck;
}

/** What becomes of a process whose inline job does not end after its timeout and grace (L9). */
export type OnStuck = "report" | "exit";

/** A table of leases, and the thread's way to the store that has them: `LeaseTable` of attempts, `PermitTable` of permits (L12). */
export interface KeptLeases {
  /** Of its manager's. */
  number: number;
  of: "attempts" | "permits";
  table: SharedArrayBuffer;
  remote: RemoteRenewal;
}

export type ToLeaseThread = { keep: KeptLeases } | "close";

export type FromLeaseThread =
  /** The leases of the table with this number are kept from now on. */
  | { kept: number }
  | { renewed: { id: JobId; fence: number; state: RenewState; untilUs: number }[] }
  /** Claims that were not begun, back in their queues: this event loop is blocked. */
  | { givenBack: number }
  | { failed: JobFailure };
