import { durationMs, type Duration } from "./duration.ts";
import { JobsError, type JobsErrorCode } from "./errors.ts";
import type { Lane } from "./job.ts";
import { limits } from "./limits.ts";
import { shown } from "./shown.ts";

/**
 * A name, queue, unique key or wake key: 1 to `limits.keyBytesMax` bytes that every store takes as they are.
 *
 * @throws JobsError `code`.
 */
export function checkedKey(value: unknown, what: string, code: JobsErrorCode = "invalid_options"): string {
  if (typeof value !== "string") throw new JobsError(code, `${what} is a ${typeof value}: give text`);
  const bytes = Buffer.byteLength(value, "utf8");
  if (bytes < 1 || bytes > limits.keyBytesMax) {
    throw new JobsError(
      code,
      `${what} ${JSON.stringify(value.slice(0, 40))} has ${bytes} bytes: give 1 to ${limits.keyBytesMax} (limits.keyBytesMax)`,
    );
  }
  if (value.includes("\0") || !value.isWellFormed()) {
    throw new JobsError(code, `${what} ${JSON.stringify(value)} holds a NUL or half a character: leave it out`);
  }
  return value;
}

/** 0–255, higher first (L1). */
export function checkedPriority(value: unknown, code: JobsErrorCode = "invalid_options"): number {
  return checkedInteger(value, "priority", 0, limits.priorityMax, code);
}

/** The budget (L10). */
export function checkedAttempts(value: unknown, code: JobsErrorCode = "invalid_options"): number {
  return checkedInteger(value, "attempts", 1, limits.attemptsMax, code);
}

/** A timeout of nothing would end every attempt before it began. */
export function checkedTimeout(timeout: Duration): number {
  const ms = durationMs(timeout, "timeout");
  if (ms > 0) return ms;
  throw new JobsError("invalid_options", "timeout is 0: give at least 1 ms, or leave it out for the lane's default");
}

export function checkedLane(value: unknown): Lane {
  if (value === "short" || value === "long") return value;
  throw new JobsError("invalid_definition", `lane is ${shown(value)}: give "short" or "long"`);
}

/** @throws JobsError `code` when it is no whole number from `min` to `max`. */
export function checkedInteger(value: unknown, what: string, min: number, max: number, code: JobsErrorCode): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new JobsError(code, `${what} is ${shown(value)}: give a whole number from ${min} to ${max}`);
}

/** @throws JobsError `batch_too_large` for more than `limits.batchJobsMax`. */
export function checkedBatch<T>(values: readonly T[], what: string): readonly T[] {
  if (values.length <= limits.batchJobsMax) return values;
  throw new JobsError(
    "batch_too_large",
    `${values.length} ${what} in one call; at most ${limits.batchJobsMax} (limits.batchJobsMax): split them`,
  );
}
