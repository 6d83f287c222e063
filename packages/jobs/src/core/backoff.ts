import { durationMs, type Duration } from "./duration.ts";
import { JobsError } from "./errors.ts";
import { limits } from "./limits.ts";

/**
 * How long a job waits after an attempt that ended in an error, a timeout or a crash: always the same, growing, or the job's own
 * rule over how many have (from 1). Releases and lost leases are none of them: they do not lengthen the wait.
 */
export type Backoff = Duration | ExponentialBackoff | ((errors: number) => Duration);

/** `first`, then `factor` times as long each time, up to `max`; half of it is jitter. */
export interface ExponentialBackoff {
  first: Duration;
  max: Duration;
  /** 2 by default. */
  factor?: number;
}

/** Delay in ms after the given number of errors (from 1); `random` gives 0 ≤ x < 1. */
export type BackoffRule = (errors: number, random: () => number) => number;

/** 1 s doubling to 5 min. */
export const defaultBackoff: BackoffRule = exponential(1_000, 300_000, 2);

/**
 * The rule behind a definition's `backoff`.
 *
 * @throws JobsError `invalid_options` for durations that are none, a factor below 1, or `max` below `first`.
 */
export function backoffRule(backoff: Backoff | undefined): BackoffRule {
  if (backoff === undefined) return defaultBackoff;
  if (typeof backoff === "function") return ownRule(backoff);
  if (typeof backoff !== "object") {
    const fixed = durationMs(backoff, "backoff");
    return () => fixed;
  }
  const first = durationMs(backoff.first, "backoff.first");
  const max = durationMs(backoff.max, "backoff.max");
  const factor = backoff.factor ?? 2;
  if (!(factor >= 1) || !Number.isFinite(factor)) {
    throw new JobsError("invalid_options", `backoff.factor is ${String(factor)}: give a number from 1`);
  }
  if (max < first) {
    throw new JobsError("invalid_options", `backoff.max (${max} ms) is below backoff.first (${first} ms): raise it`);
  }
  return exponential(first, max, factor);
}

/** Half of the delay is fixed and half is jitter: jobs that failed together do not come back together. */
function exponential(first: number, max: number, factor: number): BackoffRule {
  return (errors, random) => {
    const full = Math.min(max, first * factor ** Math.max(0, errors - 1));
    return Math.ceil(full / 2 + (random() * full) / 2);
  };
}

/** Like a decay rule, it runs while an attempt is settled: what it throws gives the default instead. */
function ownRule(rule: (errors: number) => Duration): BackoffRule {
  return (errors, random) => {
    try {
      return Math.min(limits.delayMsMax, durationMs(rule(errors), "backoff"));
    } catch {
      return defaultBackoff(errors, random);
    }
  };
}
