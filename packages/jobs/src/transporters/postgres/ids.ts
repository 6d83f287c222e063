import { JobsError } from "../../core/errors.ts";
import type { JobId } from "../../core/job.ts";
import { limits } from "../../core/limits.ts";

/** An id for a `bigint` parameter; `-1`, which no row has, for text that is none: an unknown job and no error. */
export function idText(id: JobId): string {
  return /^\d{1,18}$/.test(id) ? id : "-1";
}

/** @throws JobsError `batch_too_large` (L14). */
export function checkBatch(what: string, count: number): void {
  if (count > limits.batchJobsMax) {
    throw new JobsError("batch_too_large", `${count} ${what} in one call: at most ${limits.batchJobsMax} (limits.batchJobsMax), split it`);
  }
}
