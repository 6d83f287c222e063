import { failureOf } from "../core/failure.ts";
import type { JobFailure } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import { outcomeOf, type AttemptEnd, type OutcomeRules } from "../core/outcome.ts";
import { JobsError } from "../core/errors.ts";
import type { Claimed, Outcome, Settlement, SettleResult, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";

export interface Ending {
  job: Claimed;
  end: AttemptEnd;
  rules: OutcomeRules;
  /** The rescuer's (L9). */
  expiredOnly?: boolean;
  /** By the manager's clock: how long to go on when the store is away. */
  giveUpAt: number;
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
  onApplied: (applied: { job: Claimed; outcome: Outcome }[]) => void;
}

interface Pending extends Ending {
  outcome: Outcome;
  resolve: (settled: Settled) => void;
}

const retryFirstMs = 50;
const retryMaxMs = 2_000;

/**
 * Hands ends of attempts to the store: those of one turn of the event loop, and those that come while a call is under way,
 * go together in the next. One call at a time, so that load makes batches larger, not more.
 */
export class Settler {
  readonly #options: SettlerOptions;
  #queue: Pending[] = [];
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

  /** Resolves when the store has answered or is given up on. Never rejects. */
  settle(ending: Ending): Promise<Settled> {
    this.#pending += 1;
    return new Promise((resolve) => {
      this.#enqueue({ ...ending, outcome: this.#outcome(ending), resolve });
    });
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

  #outcome({ job, end, rules }: Ending): Outcome {
    return outcomeOf(job, end, rules, this.#options.random);
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
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

  #taken(batch: Pending[], results: SettleResult[]): void {
    const applied: { job: Claimed; outcome: Outcome }[] = [];
    for (const [index, pending] of batch.entries()) {
      const result = results[index];
      if (result === undefined)
        this.#drop(pending, new JobsError("store_unavailable", "the store gave no answer to it"));
      else if (result.state === "applied") {
        applied.push(pending);
        this.#resolve(pending, { state: "applied", outcome: pending.outcome });
      } else if (result.why !== "version") this.#resolve(pending, { state: "refused", why: result.why });
      else {
        // Cancelled, or given another priority, since the claim: its end means something else now.
        const ending = { ...pending, job: result.current };
        this.#enqueue({ ...ending, outcome: this.#outcome(ending) });
      }
    }
    if (applied.length > 0) this.#options.onApplied(applied);
  }

  /** One call. What the store is away for waits; returns what it threw when it does not take this batch. */
  async #hand(batch: Pending[]): Promise<{ thrown: unknown } | undefined> {
    let results: SettleResult[];
    try {
      results = await this.#options.transporter.settle(batch.map(settlementOf));
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
  async #handOneByOne(batch: Pending[]): Promise<void> {
    for (const pending of batch) {
      const refused = await this.#hand([pending]);
      if (refused === undefined) continue;
      // The store takes neither this result nor what it enqueues: the attempt ends with that as its error.
      const ending = {
        ...pending,
        end: { kind: "error", failure: failureOf(refused.thrown, "store_unavailable") },
      } as const;
      const again = await this.#hand([{ ...ending, outcome: this.#outcome(ending) }]);
      if (again !== undefined) this.#drop(pending, again.thrown);
    }
  }

  #putBack(batch: Pending[], thrown: unknown): void {
    this.#errors += 1;
    const now = this.#options.clock.now();
    for (const pending of batch) {
      if (this.#stopped || now >= pending.giveUpAt) this.#drop(pending, thrown);
      else this.#queue.push(pending);
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

  #drop(pending: Pending, thrown: unknown): void {
    const failure = failureOf(thrown, "store_unavailable");
    const { id: jobId, name, fence } = pending.job;
    this.#options.log({ event: "attempt.unsettled", jobId, name, fence, failure });
    this.#resolve(pending, { state: "dropped", failure });
  }

  #resolve(pending: Pending, settled: Settled): void {
    this.#pending -= 1;
    pending.resolve(settled);
  }
}

function settlementOf({ job, outcome, expiredOnly }: Pending): Settlement {
  const settlement: Settlement = { id: job.id, fence: job.fence, version: job.version, outcome };
  return expiredOnly === true ? { ...settlement, expiredOnly } : settlement;
}

function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof JobsError && thrown.code === "store_unavailable";
}
