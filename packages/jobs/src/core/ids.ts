import { checkedBatch } from "./bounds.ts";
import { JobsError } from "./errors.ts";
import type { JobId } from "./job.ts";

/** One id or several, as a list. Throws `invalid_options`, `batch_too_large`. */
export function checkedIds(ids: JobId | readonly JobId[]): JobId[] {
  const list = typeof ids === "string" ? [ids] : [...ids];
  for (const id of checkedBatch(list, "job ids")) checkedId(id);
  return list;
}

/** @throws JobsError `invalid_options`. */
export function checkedId(id: JobId): JobId {
  if (typeof id === "string" && /^\d{1,19}$/.test(id)) return id;
  throw new JobsError(
    "invalid_options",
    `${JSON.stringify(id)} is no job id: give the decimal digits that enqueue returned`,
  );
}
