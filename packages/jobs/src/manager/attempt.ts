import { inspect } from "node:util";
import type { FlowFailure } from "../core/context.ts";
import { JobsError, type JobsErrorCode } from "../core/errors.ts";
import { failureOf, jobFailure, outputOf, withOutput } from "../core/failure.ts";
import type { FlowBuilder } from "../core/flow.ts";
import { limits } from "../core/limits.ts";
import { cancelledFailure, type AttemptEnd, type OutcomeRules } from "../core/outcome.ts";
import type { JobDefinition, JobRequest } from "../core/request.ts";
import type { AttemptHost, OutputStream } from "../processes/process.ts";
import type { Claimed, NewItem, Outcome, Transporter } from "../transporters/transporter.ts";
import type { AbortReason, AttemptName, Log, ManagerEvent } from "./events.ts";
import type { LeaseGuard } from "./lease-guard.ts";
import { attemptAtomicity, type AttemptAtomicity } from "../memory/atomicity.ts";
import type { ManagerScopes } from "../memory/manager-scopes.ts";
import type { Pace } from "./pace.ts";
import type { ProgressKeeper } from "./progress-keeper.ts";
import { unjudged, type Ending, type Settled } from "./settler.ts";

/** What the manager has for all its attempts. */
export interface HostOptions {
  transporter: Pick<Transporter, "flow" | "list" | "now">;
  progress: Pick<ProgressKeeper, "report">;
  guard: Pick<LeaseGuard, "begin">;
  memory: Pick<ManagerScopes, "scopes">;
  abortGraceMs: number;
  log: Log;
  prepare: (item: JobRequest | FlowBuilder) => Promise<NewItem>;
}

/** And who is told how an attempt ended, and what became of its end. */
export interface Hosting extends HostOptions {
  /** How long an end is kept that meets a store which is away. */
  settleKeptMs: number;
  onEnded: (attempt: Attempt, end: AttemptEnd) => void;
  onSettled: (attempt: Attempt, settled: Settled) => void;
}

/** What the attempts of one line and kind of job have in common: one reference for each of them, which are tens of thousands. */
export interface AttemptKind {
  readonly definition: JobDefinition;
  /** Counts the ends of its line. */
  readonly pace: Pace | undefined;
  readonly hosting: Hosting;
}

/** What an attempt is made of. */
export interface AttemptOptions {
  claimed: Claimed;
  kind: AttemptKind;
  /** By the manager's clock, counted from before the call that got the lease: never later than the store's (L3). */
  leaseUntil: number;
  /** It was claimed to run at once: the store counts it as started. */
  isMarked: boolean;
}

/** What only some attempts have. */
interface Rare {
  /** Why it was asked to end, in the order they came. */
  readonly reasons: readonly AbortReason[];
  readonly controller: AbortController | undefined;
  readonly atomicity: AttemptAtomicity | undefined;
}

/** One field for all of these, and above them the count of open renewals: each would be 8 bytes of its own. */
const bits = { marked: 1, ended: 2, lost: 4 } as const;
const countShift = 3;

/**
 * One claim as its manager holds it, from claim to settlement. Tens of thousands live at a time, and each is gone in a
 * millisecond where jobs are short: what only some of them need (a signal) is made when it is asked for. Its instants are whole ms, and
 * `undefined` where others would say Infinity: a fraction is an object of 16 bytes for each field.
 *
 * States: waiting (prefetched) → running → ended (handler is done, slot free) → settled. `lost` (another claim has the job, or
 * its end was given by someone else) can come at any time: then nothing is settled.
 */
export class Attempt implements Ending, AttemptHost {
  /** As the store had it at the claim, or, where it has said since that the job has changed, has it now. */
  claimed: Claimed;
  kind: AttemptKind;
  end: AttemptEnd = unended;
  outcome: Outcome = unjudged;
  /** Of those that met a store that was away. */
  declare giveUpAt?: number;
  leaseUntil: number;
  /** The lease guard's, while it holds the lease. */
  leaseRow: number | undefined;
  /** Among its runner's. */
  place = -1;
  /** By the manager's clock; undefined while it waits. */
  startedAt: number | undefined;
  /** When it is asked to end, or, asked already, reported as stuck (L9); undefined: never. */
  dueAt: number | undefined;
  #bits: number;
  #rare = nothingRare;

  constructor({ claimed, kind, leaseUntil, isMarked }: AttemptOptions) {
    this.claimed = claimed;
    this.kind = kind;
    this.leaseUntil = Math.floor(leaseUntil);
    this.#bits = isMarked ? bits.marked : 0;
  }

  /** The store counts it as started (L4): it was claimed so, or renewed since. */
  get isMarked(): boolean {
    return (this.#bits & bits.marked) !== 0;
  }

  get ended(): boolean {
    return (this.#bits & bits.ended) !== 0;
  }

  get lost(): boolean {
    return (this.#bits & bits.lost) !== 0;
  }

  /** For good. */
  set(what: keyof typeof bits): void {
    this.#bits |= bits[what];
  }

  /** Sent since the last that succeeded. */
  get renewalsOpen(): number {
    return this.#bits >> countShift;
  }

  renewing(): void {
    this.#bits += 1 << countShift;
  }

  renewed(leaseUntil: number): void {
    this.#bits &= (1 << countShift) - 1;
    this.set("marked");
    this.leaseUntil = Math.max(this.leaseUntil, Math.floor(leaseUntil));
  }

  get definition(): JobDefinition {
    return this.kind.definition;
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
    return this.kind.definition.rules;
  }

  get keptMs(): number {
    return this.kind.hosting.settleKeptMs;
  }

  /** Its start, where the settlement is to tell the store of it. */
  get unmarkedStart(): number | undefined {
    return this.isMarked ? undefined : this.startedAt;
  }

  get signal(): AbortSignal {
    if (this.#rare.controller !== undefined) return this.#rare.controller.signal;
    const controller = new AbortController();
    const [first] = this.#rare.reasons;
    if (first !== undefined) controller.abort(abortErrorOf(this.claimed, first));
    this.#rare = { ...this.#rare, controller };
    return controller.signal;
  }

  get called(): AttemptName {
    return { jobId: this.claimed.id, name: this.claimed.name, fence: this.claimed.fence };
  }

  /** It has been asked to end, for whatever reason. */
  get isAborted(): boolean {
    return this.#rare.reasons.length > 0;
  }

  /** The latest. */
  get abortReason(): AbortReason | undefined {
    return this.#rare.reasons.at(-1);
  }

  /** Contexts lead here: a handler that prints its own shows a name, and nothing of the manager's. */
  [inspect.custom](): AttemptName {
    return this.called;
  }

  settled(settled: Settled): void {
    this.kind.hosting.onSettled(this, settled);
  }

  /** Asks the handler to end. False when it was asked for this reason before, or has ended. */
  abort(reason: AbortReason): boolean {
    const { reasons, controller } = this.#rare;
    if (this.ended || reasons.includes(reason)) return false;
    this.#rare = { ...this.#rare, reasons: [...reasons, reason] };
    if (reason === "cancel") this.claimed.cancelRequested = true;
    controller?.abort(abortErrorOf(this.claimed, reason));
    return true;
  }

  /**
   * What the handler's end means, seen that it was asked to end: an error after an abort is the abort's doing. What it says
   * itself (a result, a release, a failure) counts as it stands.
   */
  endAfterAbort(end: AttemptEnd): AttemptEnd {
    if (end.kind !== "error" || !this.isAborted) return end;
    const output = outputOf(end.failure);
    const { reasons } = this.#rare;
    if (reasons.includes("cancel")) return { kind: "cancelled", failure: withOutput(cancelledFailure, output) };
    // Shutdown costs nothing (L4).
    if (reasons.includes("stop")) return { kind: "deferred", delayMs: 0 };
    if (reasons.includes("timeout"))
      return { kind: "timeout", failure: withOutput(failureOf(abortErrorOf(this.claimed, "timeout")), output) };
    return { kind: "lost", failure: withOutput(failureOf(abortErrorOf(this.claimed, "lease")), output) };
  }

  // As its handler's process reaches the manager.

  get graceMs(): number {
    return this.kind.hosting.abortGraceMs;
  }

  get atomicity(): AttemptAtomicity {
    const { signal } = this;
    const atomicity = this.#rare.atomicity ?? attemptAtomicity(this.kind.hosting.memory.scopes, signal);
    this.#rare = { ...this.#rare, atomicity };
    return atomicity;
  }

  begin(): boolean {
    // Given back while this loop was blocked: the job is another's now, and this attempt nothing.
    if (!this.lost && !this.kind.hosting.guard.begin(this)) this.set("lost");
    return !this.lost;
  }

  now(): Promise<number> {
    return this.kind.hosting.transporter.now();
  }

  prepare(item: JobRequest | FlowBuilder): Promise<NewItem> {
    return this.kind.hosting.prepare(item);
  }

  async flowFailure(): Promise<FlowFailure | undefined> {
    const { flowId } = this.claimed;
    const flow = flowId === undefined ? undefined : await this.kind.hosting.transporter.flow(flowId);
    if (flow?.status !== "failed" && flow?.status !== "cancelled") return undefined;
    return {
      status: flow.status,
      failure: flow.failure ?? jobFailure("cancelled", `flow ${flow.id} was cancelled`),
      jobId: flow.failedJobId,
    };
  }

  /** In the order of their ids. */
  async resultsOf(name: string): Promise<(string | undefined)[]> {
    const { flowId } = this.claimed;
    if (flowId === undefined) return [];
    const results: (string | undefined)[] = [];
    for (let after = "0"; ;) {
      const query = { flowId, name, status: "processed", limit: limits.batchJobsMax } as const;
      const page = await this.kind.hosting.transporter.list({ ...query, after });
      for (const { result } of page) results.push(result);
      after = page.at(-1)?.id ?? after;
      if (page.length < limits.batchJobsMax) return results;
    }
  }

  progress(value: string): void {
    const { id, fence } = this.claimed;
    if (!this.ended) this.kind.hosting.progress.report({ id, fence, value });
  }

  log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.kind.hosting.log({ event: "job.log", message, fields, ...this.called });
  }

  output(stream: OutputStream, line: string): void {
    this.kind.hosting.log({ event: "job.output", stream, line, ...this.called });
  }

  ending(by: Extract<ManagerEvent, { event: "attempt.ending" }>["by"]): void {
    this.kind.hosting.log({ event: "attempt.ending", by, ...this.called });
  }

  over(end: AttemptEnd): void {
    this.kind.hosting.onEnded(this, end);
  }
}

function abortErrorOf({ id, name, timeoutMs }: Claimed, reason: AbortReason): JobsError {
  const [code, what] = abortErrors[reason];
  const limit = reason === "timeout" ? ` of ${timeoutMs} ms: raise it, or release the job and come back` : "";
  return new JobsError(code, `job ${id} (${name}) ${what}${limit}`);
}

const nothingRare: Rare = { reasons: [], controller: undefined, atomicity: undefined };

/** Until its handler says otherwise it was not tried (L4). */
const unended: AttemptEnd = { kind: "deferred", delayMs: 0 };

const abortErrors: Record<AbortReason, [JobsErrorCode, string]> = {
  timeout: ["attempt_timed_out", "ran longer than its timeout"],
  cancel: ["cancelled", "was cancelled"],
  stop: ["manager_stopped", "was running when its manager stopped: it runs again elsewhere or later"],
  lease: ["lease_lost", "did not get its lease renewed in time: it runs again elsewhere or later"],
};
