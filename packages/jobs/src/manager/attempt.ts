import { cancelledFailure, type AttemptEnd } from "../core/outcome.ts";
import { JobsError, type JobsErrorCode } from "../core/errors.ts";
import { failureOf, outputOf, withOutput } from "../core/failure.ts";
import type { JobDefinition } from "../core/request.ts";
import type { Claimed } from "../transporters/transporter.ts";
import type { AbortReason, AttemptName } from "./events.ts";

/**
 * One claim as its manager holds it, from claim to settlement.
 *
 * States: running → ended (handler is done, slot free) → settled. `lost` (another claim has the job, or its end was given by
 * someone else) can come at any time: then nothing is settled.
 */
export class Attempt {
  readonly claimed: Claimed;
  readonly definition: JobDefinition;
  readonly startedAt: number;
  /** By the manager's clock, counted from before the call that got the lease: never later than the store's (L3). */
  leaseUntil: number;
  /** Renewals sent since the last that succeeded. */
  renewalsOpen = 0;
  ended = false;
  lost = false;
  /** Takes back the one timer an attempt has: its timeout, then the grace after its abort. */
  cancelTimer: (() => void) | undefined;
  readonly #controller = new AbortController();
  readonly #reasons = new Set<AbortReason>();

  constructor(claimed: Claimed, definition: JobDefinition, startedAt: number, leaseUntil: number) {
    this.claimed = claimed;
    this.definition = definition;
    this.startedAt = startedAt;
    this.leaseUntil = leaseUntil;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get called(): AttemptName {
    return { jobId: this.claimed.id, name: this.claimed.name, fence: this.claimed.fence };
  }

  /** Asks the handler to end. False when it was asked for this reason before, or has ended. */
  abort(reason: AbortReason): boolean {
    if (this.ended || this.#reasons.has(reason)) return false;
    this.#reasons.add(reason);
    if (reason === "cancel") this.claimed.cancelRequested = true;
    this.#controller.abort(this.#error(reason));
    return true;
  }

  /**
   * What the handler's end means, seen that it was asked to end: an error after an abort is the abort's doing. What it says
   * itself (a result, a release, a failure) counts as it stands.
   */
  endAfterAbort(end: AttemptEnd): AttemptEnd {
    if (end.kind !== "error") return end;
    const output = outputOf(end.failure);
    if (this.#reasons.has("cancel")) return { kind: "cancelled", failure: withOutput(cancelledFailure, output) };
    // Shutdown costs nothing (L4).
    if (this.#reasons.has("stop")) return { kind: "deferred", delayMs: 0 };
    if (this.#reasons.has("timeout"))
      return { kind: "timeout", failure: withOutput(failureOf(this.#error("timeout")), output) };
    if (this.#reasons.has("lease"))
      return { kind: "lost", failure: withOutput(failureOf(this.#error("lease")), output) };
    return end;
  }

  #error(reason: AbortReason): JobsError {
    const { id, name, timeoutMs } = this.claimed;
    const [code, what] = abortErrors[reason];
    const limit = reason === "timeout" ? ` of ${timeoutMs} ms: raise it, or release the job and come back` : "";
    return new JobsError(code, `job ${id} (${name}) ${what}${limit}`);
  }
}

const abortErrors: Record<AbortReason, [JobsErrorCode, string]> = {
  timeout: ["attempt_timed_out", "ran longer than its timeout"],
  cancel: ["cancelled", "was cancelled"],
  stop: ["manager_stopped", "was running when its manager stopped: it runs again elsewhere or later"],
  lease: ["lease_lost", "did not get its lease renewed in time: it runs again elsewhere or later"],
};
