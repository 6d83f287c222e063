import { failureOf } from "../core/failure.ts";
import type { JobFailure } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import { outcomeOf, type AttemptEnd, type OutcomeRules } from "../core/outcome.ts";
import { JobsError } from "../core/errors.ts";
import type { Claimed, Outcome, Settlement, SettleResult, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";

/** An end on its way to the store. Whoever hands one over may make it of what it has: one object less for each attempt. */
export interface Ending {
  /** The claim; replaced where the store says that the job has changed since. */
  job: Claimed;
  end: AttemptEnd;
  readonly rules: OutcomeRules;
  /** The rescuer's (L9). */
  readonly expiredOnly?: boolean;
  /** ms to go on when the store is away, from the first time that it is. */
  readonly keptMs: number;
  /** When it began, by the manager's clock, where the store does not know that it has (L4). */
  readonly unmarkedStart?: number | undefined;
  /** When its handler was called, by the manager's clock; not known of an end that is another manager's. */
  readonly startedAt?: number | undefined;
  /** The settler's: what the end means, and when it gives up. */
  outcome: Outcome;
  giveUpAt?: number | undefined;
  /** Called once, when the store has answered or is given up on. */
  settled(settled: Settled): void;
}

export type Settled =
  | { state: "applied"; outcome: Outcome }
  | { state: "refused"; why: "fence" | "not-expired" }
  | { state: "dropped"; failure: JobFailure };

export interface SettlerOptions {
  transporter: Pick<Transporter, "settle">;
  clock: Clock;
  random: () => number;
  log: Log;
  /** Called with what the store has taken, once for each batch. */
  onApplied: (applied: Applied[]) => void;
}

export interface Applied {
  job: Claimed;
  outcome: Outcome;
  startedAt: number | undefined;
}

/** Of an end that the settler has not judged yet. */
export const unjudged: Outcome = { kind: "defer", delayMs: 0 };

const retryFirstMs = 50;
const retryMaxMs = 2_000;

/**
 * Hands ends of attempts to the store: those of one turn of the event loop, and those that come while a call is under way,
 * go together in the next. One call at a time, so that load makes batches larger, not more.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #queue: Ending[] = [];
  #pending = 0;
  #flushing = false;
  #stopped = false;
  #errors = 0;
  #backingOff = false;
  #cancelRetry: (() => void) | undefined;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Ends not yet taken by the store. */
  get pending(): number {
    return this.#pending;
  }

  /** Never throws: `ending.settled` is told, whatever becomes of it. */
  hand(ending: Ending): void {
    this.#pending += 1;
    this.#enqueue(ending);
  }

  /** As `hand`; resolves with what became of it. */
  settle(ending: Omit<Ending, "outcome" | "settled">): Promise<Settled> {
    return new Promise((resolve) => this.hand({ ...ending, outcome: unjudged, settled: resolve }));
  }

  /** From here on nothing is tried twice. What is under way is finished. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#backingOff = false;
    this.#schedule();
  }

  start(): void {
    this.#stopped = false;
  }

  #judge(ending: Ending): void {
    ending.outcome = outcomeOf(ending.job, ending.end, ending.rules, this.#options.random);
  }

  #enqueue(ending: Ending): void {
    this.#judge(ending);
    this.#queue.push(ending);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#flushing || this.#backingOff || this.#queue.length === 0) return;
    this.#flushing = true;
    setImmediate(() => void this.#flush());
  }

  async #flush(): Promise<void> {
    const batch = this.#queue.splice(0, limits.batchJobsMax);
    const refused = await this.#hand(batch);
    if (refused !== undefined) await this.#handOneByOne(batch);
    this.#flushing = false;
    if (this.#errors === 0 || this.#stopped) this.#schedule();
    else this.#retryLater();
  }

  #taken(batch: Ending[], results: SettleResult[]): void {
    const applied: Applied[] = [];
    let place = 0;
    for (const ending of batch) {
      const result = results[place];
      place += 1;
      const { job, outcome } = ending;
      if (result === undefined)
        this.#drop(ending, new JobsError("store_unavailable", "the store gave no answer to it"));
      else if (result.state === "applied") {
        applied.push({ job, outcome, startedAt: ending.startedAt });
        this.#answer(ending, { state: "applied", outcome });
      } else if (result.why !== "version") this.#answer(ending, result);
      else {
        // Cancelled, or given another priority, since the claim: its end means something else now.
        ending.job = result.current;
        this.#enqueue(ending);
      }
    }
    if (applied.length > 0) this.#options.onApplied(applied);
  }

  /** One call. What the store is away for waits; returns what it threw when it does not take this batch. */
  async #hand(batch: Ending[]): Promise<{ thrown: unknown } | undefined> {
    const { transporter, clock } = this.#options;
    let results: SettleResult[];
    try {
      const now = clock.now();
      results = await transporter.settle(batch.map((ending) => settlementOf(ending, now)));
    } catch (thrown) {
      if (!isUnavailable(thrown)) return { thrown };
      this.#putBack(batch, thrown);
      return undefined;
    }
    this.#errors = 0;
    this.#taken(batch, results);
    return undefined;
  }

  /** A batch that threw has changed nothing. One of it is at fault: the others are not to suffer for it. */
  async #handOneByOne(batch: Ending[]): Promise<void> {
    for (const ending of batch) {
      const refused = await this.#hand([ending]);
      if (refused === undefined) continue;
      // The store takes neither this result nor what it enqueues: the attempt ends with that as its error.
      ending.end = { kind: "error", failure: failureOf(refused.thrown, "store_unavailable") };
      this.#judge(ending);
      const again = await this.#hand([ending]);
      if (again !== undefined) this.#drop(ending, again.thrown);
    }
  }

  #putBack(batch: Ending[], thrown: unknown): void {
    this.#errors += 1;
    const now = this.#options.clock.now();
    for (const ending of batch) {
      ending.giveUpAt ??= now + ending.keptMs;
      if (this.#stopped || now >= ending.giveUpAt) this.#drop(ending, thrown);
      else this.#queue.push(ending);
    }
  }

  #retryLater(): void {
    const full = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(this.#errors - 1, 10));
    const delay = Math.ceil(full / 2 + (this.#options.random() * full) / 2);
    this.#backingOff = true;
    this.#cancelRetry = this.#options.clock.after(delay, () => {
      this.#backingOff = false;
      this.#schedule();
    });
  }

  #drop(ending: Ending, thrown: unknown): void {
    const failure = failureOf(thrown, "store_unavailable");
    const { id: jobId, name, fence } = ending.job;
    this.#options.log({ event: "attempt.unsettled", jobId, name, fence, failure });
    this.#answer(ending, { state: "dropped", failure });
  }

  #answer(ending: Ending, settled: Settled): void {
    this.#pending -= 1;
    ending.settled(settled);
  }
}

function settlementOf(ending: Ending, now: number): Settlement {
  const { job, outcome, expiredOnly, unmarkedStart } = ending;
  const settlement: Settlement = { id: job.id, fence: job.fence, version: job.version, outcome };
  if (expiredOnly === true) settlement.expiredOnly = true;
  if (unmarkedStart !== undefined) settlement.startedMs = Math.max(0, Math.round(now - unmarkedStart));
  return settlement;
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof JobsError && thrown.code === "store_unavailable";
}
