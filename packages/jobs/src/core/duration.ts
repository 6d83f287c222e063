import { JobsError } from "./errors.ts";
import { limits } from "./limits.ts";
import { shown } from "./shown.ts";

/** A number of milliseconds, or a number with its unit: `"250ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const pattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Whole milliseconds of a duration, rounded up so that nothing comes early.
 *
 * @param name what it is the duration of, for the error.
 * @throws JobsError `invalid_options` when it is no duration, negative, or above `limits.delayMsMax`.
 */
export function durationMs(duration: Duration, name: string): number {
  const ms = typeof duration === "number" ? duration : parse(duration);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) {
    throw new JobsError(
      "invalid_options",
      `${name} is ${shown(duration)}: give milliseconds from 0, or text like "250ms", "30s", "5m", "2h", "1d"`,
    );
  }
  if (ms > limits.delayMsMax) {
    throw new JobsError(
      "invalid_options",
      `${name} is ${shown(duration)}: the longest is ${limits.delayMsMax / 86_400_000}d (limits.delayMsMax)`,
    );
  }
  return Math.ceil(ms);
}

function parse(text: unknown): number | undefined {
  const match = typeof text === "string" ? pattern.exec(text) : null;
  const unit = unitMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
