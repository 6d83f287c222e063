import { JobsError, type JobsErrorCode } from "../core/errors.ts";
import { failureOf, outputOf, withOutput } from "../core/failure.ts";
import { cancelledFailure, type AttemptEnd, type OutcomeRules } from "../core/outcome.ts";
import type { JobDefinition } from "../core/request.ts";
import type { Claimed, Outcome } from "../transporters/transporter.ts";
import type { AbortReason, AttemptName } from "./events.ts";
import type { Pace } from "./pace.ts";
import { unjudged, type Ending, type Settled } from "./settler.ts";

/** What an attempt is made of. */
export interface AttemptOptions {
  claimed: Claimed;
  definition: JobDefinition;
  /** By the manager's clock, counted from before the call that got the lease: never later than the store's (L3). */
  leaseUntil: number;
  /** It was claimed to run at once: the store counts it as started. */
  isMarked: boolean;
  /** Counts the ends of its line. */
  pace?: Pace;
  /** Told what became of its end. */
  onSettled: (attempt: Attempt, settled: Settled) => void;
}

/**
 * One claim as its manager holds it, from claim to settlement. Tens of thousands live at a time, and each is gone in a
 * millisecond where jobs are short: what only some of them need (a signal) is made when it is asked for. Its instants are whole ms, and
 * `undefined` where others would say Infinity: a fraction is an object of 16 bytes for each field.
 *
 * States: waiting (prefetched) → running → ended (handler is done, slot free) → settled. `lost` (another claim has the job, or
 * its end was given by someone else) can come at any time: then nothing is settled.
 */
export class Attempt implements Ending {
  /** As the store had it at the claim, or, where it has said since that the job has changed, has it now. */
  claimed: Claimed;
  readonly definition: JobDefinition;
  readonly pace: Pace | undefined;
  end: AttemptEnd = unended;
  outcome: Outcome = unjudged;
  /** Of those that met a store that was away. */
  declare giveUpAt?: number;
  keptMs = 0;
  leaseUntil: number;
  /** The lease guard's, while it holds the lease. */
  leaseRow: number | undefined;
  /** Among its runner's. */
  place = -1;
  /** The store counts it as started (L4): it was claimed so, or renewed since. */
  isMarked: boolean;
  /** By the manager's clock; undefined while it waits. */
  startedAt: number | undefined;
  /** When it is asked to end, or, asked already, reported as stuck (L9); undefined: never. */
  dueAt: number | undefined;
  /** Renewals sent since the last that succeeded. */
  renewalsOpen = 0;
  ended = false;
  lost = false;
  readonly #onSettled: (attempt: Attempt, settled: Settled) => void;
  #controller: AbortController | undefined;
  /** In the order they came. */
  #reasons: readonly AbortReason[] = none;

  constructor({ claimed, definition, leaseUntil, isMarked, pace, onSettled }: AttemptOptions) {
    this.claimed = claimed;
    this.definition = definition;
    this.leaseUntil = Math.floor(leaseUntil);
    this.isMarked = isMarked;
    this.pace = pace;
    this.#onSettled = onSettled;
  }

  get isWaiting(): boolean {
    return this.startedAt === undefined && !this.ended;
  }

  /** No attempt comes after it. */
  get isLast(): boolean {
    return this.claimed.attempts - this.claimed.attemptsUsed <= 1;
  }

  get job(): Claimed {
    return this.claimed;
  }

  set job(changed: Claimed) {
    this.claimed = changed;
  }

  get rules(): OutcomeRules {
    return this.definition.rules;
  }

  /** Its start, where the settlement is to tell the store of it. */
  get unmarkedStart(): number | undefined {
    return this.isMarked ? undefined : this.startedAt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const [first] = this.#reasons;
      if (first !== undefined) this.#controller.abort(abortErrorOf(this.claimed, first));
    }
    return this.#controller.signal;
  }

  get called(): AttemptName {
    return { jobId: this.claimed.id, name: this.claimed.name, fence: this.claimed.fence };
  }

  /** It has been asked to end, for whatever reason. */
  get isAborted(): boolean {
    return this.#reasons.length > 0;
  }

  /** The latest. */
  get abortReason(): AbortReason | undefined {
    return this.#reasons.at(-1);
  }

  settled(settled: Settled): void {
    this.#onSettled(this, settled);
  }

  /** Asks the handler to end. False when it was asked for this reason before, or has ended. */
  abort(reason: AbortReason): boolean {
    if (this.ended || this.#reasons.includes(reason)) return false;
    this.#reasons = [...this.#reasons, reason];
    if (reason === "cancel") this.claimed.cancelRequested = true;
    this.#controller?.abort(abortErrorOf(this.claimed, reason));
    return true;
  }

  /**
   * What the handler's end means, seen that it was asked to end: an error after an abort is the abort's doing. What it says
   * itself (a result, a release, a failure) counts as it stands.
   */
  endAfterAbort(end: AttemptEnd): AttemptEnd {
    if (end.kind !== "error" || !this.isAborted) return end;
    const output = outputOf(end.failure);
    if (this.#reasons.includes("cancel")) return { kind: "cancelled", failure: withOutput(cancelledFailure, output) };
    // Shutdown costs nothing (L4).
    if (this.#reasons.includes("stop")) return { kind: "deferred", delayMs: 0 };
    if (this.#reasons.includes("timeout"))
      return { kind: "timeout", failure: withOutput(failureOf(abortErrorOf(this.claimed, "timeout")), output) };
    return { kind: "lost", failure: withOutput(failureOf(abortErrorOf(this.claimed, "lease")), output) };
  }
}

function abortErrorOf({ id, name, timeoutMs }: Claimed, reason: AbortReason): JobsError {
  const [code, what] = abortErrors[reason];
  const limit = reason === "timeout" ? ` of ${timeoutMs} ms: raise it, or release the job and come back` : "";
  return new JobsError(code, `job ${id} (${name}) ${what}${limit}`);
}

const none: readonly AbortReason[] = [];

/** Until its handler says otherwise it was not tried (L4). */
const unended: AttemptEnd = { kind: "deferred", delayMs: 0 };

const abortErrors: Record<AbortReason, [JobsErrorCode, string]> = {
  timeout: ["attempt_timed_out", "ran longer than its timeout"],
  cancel: ["cancelled", "was cancelled"],
  stop: ["manager_stopped", "was running when its manager stopped: it runs again elsewhere or later"],
  lease: ["lease_lost", "did not get its lease renewed in time: it runs again elsewhere or later"],
};
