import type { JobId } from "../../core/job.ts";

/** An id for a `bigint` parameter; `-1`, which no row has, for text that is none: an unknown job and no error. */
export function idText(id: JobId): string {
  return /^\d{1,18}$/.test(id) ? id : "-1";
}
