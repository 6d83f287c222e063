/**
 * Every error that the job manager throws or keeps with a job. `docs/errors.md` says of each what it means and what to
 * do; a test holds the two lists together.
 */
export const jobsErrorCodes = [
  // Input
  "invalid_definition",
  "invalid_options",
  "invalid_input",
  "unknown_job",
  "unknown_schedule",
  "payload_too_large",
  "batch_too_large",
  "flow_too_large",
  "flow_too_deep",
  "unique_key_taken",
  "queue_full",
  "job_not_found",
  "job_not_processed",
  "wait_timed_out",
  // Attempts and flows, kept with the job
  "handler_failed",
  "attempt_timed_out",
  "attempts_exhausted",
  "process_crashed",
  "crashes_exhausted",
  "lease_lost",
  "parent_failed",
  "stage_failed",
  "cancelled",
  // Semaphores (L12)
  "permit_timed_out",
  "permit_waiters_exceeded",
  "permit_lost",
  "semaphore_mismatch",
  "semaphore_nested",
  // Store
  "store_unavailable",
  "store_refused",
  "store_unsupported",
  "store_location_refused",
  "migration_failed",
  "transaction_expired",
  "transaction_foreign",
  "store_stopped",
  "manager_stopped",
] as const;

/** Stable; each is explained in docs/errors.md. */
export type JobsErrorCode = (typeof jobsErrorCodes)[number];

/** Thrown by everything in `@provost/jobs`: one line with the offending value and the way out. */
export class JobsError extends Error {
  override readonly name = "JobsError";
  readonly code: JobsErrorCode;
  /** What programs may want of the message: `unique_key_taken` has `holder`, the id of the job or flow. */
  readonly details?: Readonly<Record<string, string>>;

  constructor(
    code: JobsErrorCode,
    message: string,
    { details, ...options }: { cause?: unknown; details?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options);
    this.code = code;
    if (details !== undefined) this.details = details;
  }
}
