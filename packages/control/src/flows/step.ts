import type { Failure } from "@provost/contract";
import type { Directive, JobContext } from "@provost/jobs";
import { BudgetWait } from "../budget/budget-wait.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { passing } from "../instances/failure.ts";

/** What a step is called with by its job. */
export interface StepContext {
  instanceId: string;
  signal: AbortSignal;
  /** From 1; deferred attempts do not count. */
  attempt: number;
}

/** How an attempt of a step ends; its job turns this into the manager's words (L7). */
export type StepEnd =
  | { end: "done" }
  /** Not done yet: costs an attempt. */
  | { end: "release"; afterMs: number }
  /** Could not even try: costs nothing (L4). */
  | { end: "defer"; afterMs: number }
  | { end: "fail"; failure: Failure };

export const done: StepEnd = { end: "done" };

/** Makes waiting jobs of this instance ready at once. */
export function wakeKey(instanceId: string): string {
  return `instance:${instanceId}`;
}

/** Keeps a crowd that was turned away together from coming back together. */
export function spread(ms: number): number {
  return Math.ceil(ms * (1 + Math.random() / 4));
}

/** A provider that cannot be asked now: come back when it said, or in a while (C11). Other errors are thrown on. */
export function later(error: unknown, unreachableRetryMs: number): StepEnd {
  if (!(error instanceof ProviderError) || !passing(error)) throw error;
  // Its turn in the line is its own: it comes neither with a crowd nor later than it may.
  if (error instanceof BudgetWait) return { end: "defer", afterMs: error.waitMs };
  return { end: "defer", afterMs: spread(error.retryAfterMs ?? unreachableRetryMs) };
}

/** Why a step failed, as the job keeps it: `details` without the log, which is in the instance's row. */
class StepFailed extends Error {
  override readonly name = "StepFailed";
  readonly code: Failure["code"];
  readonly details: Failure;

  constructor(why: Failure) {
    super(why.message);
    this.code = why.code;
    this.details = { ...why };
    delete this.details.log;
  }
}

/** A step's end in the manager's words. */
export function directive(
  context: Pick<JobContext<unknown>, "fail" | "release" | "defer">,
  end: StepEnd,
  wake: string,
): Directive | undefined {
  if (end.end === "done") return undefined;
  if (end.end === "fail") return context.fail(new StepFailed(end.failure));
  const back = { after: end.afterMs, wake };
  return end.end === "release" ? context.release(back) : context.defer(back);
}
