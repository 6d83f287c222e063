import type { Claimed, NewItem, Outcome } from "../transporters/transporter.ts";
import { defaultBackoff, type BackoffRule } from "./backoff.ts";
import { decayed, steadyDecay, type DecayRule } from "./decay.ts";
import { jobFailure } from "./failure.ts";
import type { AttemptCause, JobFailure } from "./job.ts";
import { defaults } from "./limits.ts";

/** How an attempt ended, before the laws say what that means for the job. */
export type AttemptEnd =
  | { kind: "processed"; result?: string; enqueue?: NewItem[] }
  /** Not done yet (L7): costs an attempt. */
  | { kind: "released"; delayMs: number; wakeKey?: string }
  /** Could not even try (L4): costs nothing. */
  | { kind: "deferred"; delayMs: number; wakeKey?: string }
  /** The handler says that no attempt will help (L10). */
  | { kind: "failed"; failure: JobFailure }
  /** `lost`: the manager or host died, or the lease ran out. `crashed`: the job's own isolated process died. */
  | { kind: "error" | "timeout" | "crashed" | "lost"; failure: JobFailure }
  | { kind: "cancelled"; failure: JobFailure };

/** What of a job's definition an outcome depends on. */
export interface OutcomeRules {
  decay: DecayRule;
  backoff: BackoffRule;
}

/** For jobs whose definition is not at hand: a rescuer need not have it (L9). */
export const defaultRules: OutcomeRules = { decay: steadyDecay, backoff: defaultBackoff };

type ChargedCause = Exclude<AttemptCause, "deferred" | "cancelled">;

/**
 * What an attempt's end means for its job (L4, L10): one attempt less and a lower priority, back at once or later, or the
 * end of it. Called again with the job as it is now when the store reports another version, so that a cancel or a priority
 * given meanwhile counts.
 *
 * A cancel wins over everything but `processed` and a handler's own `failed`: those say more than it does.
 */
export function outcomeOf(job: Claimed, end: AttemptEnd, rules: OutcomeRules, random: () => number): Outcome {
  if (end.kind === "processed") return end;
  if (end.kind === "failed") return failed(job, "error", end.failure);
  if (end.kind === "cancelled") return { kind: "cancelled", failure: end.failure };
  if (job.cancelRequested) return { kind: "cancelled", failure: cancelledFailure };
  if (end.kind === "deferred") {
    return { kind: "defer", delayMs: end.delayMs, ...wake(end.wakeKey ?? job.wakeKey) };
  }
  return charged(job, end, rules, random);
}

export const cancelledFailure: JobFailure = jobFailure("cancelled", "cancelled while it was in progress");

/** An attempt that was started and ended without `processed`. */
function charged(
  job: Claimed,
  end: Exclude<AttemptEnd, { kind: "processed" | "failed" | "cancelled" | "deferred" }>,
  rules: OutcomeRules,
  random: () => number,
): Outcome {
  const cause: ChargedCause = end.kind;
  const failure = end.kind === "released" ? undefined : end.failure;
  const attemptsUsed = job.attemptsUsed + 1;
  const crashes = job.crashes + (cause === "crashed" ? 1 : 0);
  const errors = errorsAfter(job, cause);
  if (crashes >= defaults.crashes && cause === "crashed") {
    return failed(job, cause, exhausted("crashes_exhausted", `process died ${crashes} times`, failure));
  }
  if (attemptsUsed >= job.attempts) {
    const count = `${attemptsUsed} of ${job.attempts} attempts used`;
    return failed(job, cause, exhausted("attempts_exhausted", count, failure));
  }
  return {
    kind: "retry",
    cause,
    delayMs: delayAfter(end, errors, rules, random),
    priority: decayed(rules.decay, job.basePriority, attemptsUsed, job.attempts),
    attemptsUsed,
    crashes,
    errors,
    // The latest key stays: a wake during a backoff is as welcome as one during a release (L7).
    ...wake((end.kind === "released" ? end.wakeKey : undefined) ?? job.wakeKey),
    ...(failure === undefined ? {} : { failure }),
  };
}

function delayAfter(
  end: Exclude<AttemptEnd, { kind: "processed" | "failed" | "cancelled" | "deferred" }>,
  errors: number,
  rules: OutcomeRules,
  random: () => number,
): number {
  if (end.kind === "released") return end.delayMs;
  // Its lease was the wait already (L9).
  if (end.kind === "lost") return 0;
  return rules.backoff(errors, random);
}

/** A release says "not yet" and a lost lease is the manager's doing: neither is the job's error. */
function errorsAfter({ errors }: Claimed, cause: ChargedCause): number {
  return cause === "released" || cause === "lost" ? errors : errors + 1;
}

function failed(job: Claimed, cause: ChargedCause, failure: JobFailure): Outcome {
  return {
    kind: "failed",
    cause,
    attemptsUsed: job.attemptsUsed + 1,
    crashes: job.crashes + (cause === "crashed" ? 1 : 0),
    errors: errorsAfter(job, cause),
    failure,
  };
}

/** Keeps the last failure whole in `details.last`, and its message in sight. */
function exhausted(
  code: "attempts_exhausted" | "crashes_exhausted",
  count: string,
  last: JobFailure | undefined,
): JobFailure {
  if (last === undefined) return jobFailure(code, `${count}; the last was released, not done yet`);
  const { stack, ...rest } = last;
  const failure = jobFailure(code, `${count}; the last: ${last.message}`, { last: rest });
  return stack === undefined ? failure : { ...failure, stack };
}

function wake(wakeKey: string | undefined): { wakeKey?: string } {
  return wakeKey === undefined ? {} : { wakeKey };
}
