import { limits } from "../core/limits.ts";
import type { QueueSettings } from "../core/queue.ts";
import type { Claimed } from "../transporters/transporter.ts";
import type { Attempt } from "./attempt.ts";
import { Pace } from "./pace.ts";
import type { ServedLine } from "./registry.ts";

/** What the claimer knows of one line, and the claims ahead that wait for its slots. */
export class Line {
  readonly served: ServedLine;
  readonly pace: Pace;
  /**
   * Its last claim came back short, with nothing hinting at new jobs since: until then it is not asked again, which is the next poll,
   * or the time in which a queue's rate brings one.
   */
  dryUntil = -Infinity;
  /** Claims in a row for which it, having a rate, had nothing. */
  misses = 0;
  /** Hints that came, and how many of them the last answer of the store knew of. */
  #hints = 0;
  #answered = 0;
  /** What the store has left comes behind this one; undefined: it had nothing left. */
  #horizon: Claimed | undefined;
  #target = 0;
  /** In the order of L1 from `#first` on. */
  readonly #waiting: Attempt[] = [];
  #first = 0;

  constructor(served: ServedLine, now: number) {
    this.served = served;
    this.pace = new Pace(now);
  }

  /** The store may have a better job than the first that waits (L1): until it has answered, that does not begin. */
  get isStale(): boolean {
    return this.#hints > this.#answered || this.#isBeyondHorizon;
  }

  get #isBeyondHorizon(): boolean {
    const first = this.#waiting[this.#first];
    return first !== undefined && this.#horizon !== undefined && isBefore(this.#horizon, first.claimed);
  }

  get hints(): number {
    return this.#hints;
  }

  /** There may be new jobs of it. */
  hint(): void {
    this.#hints += 1;
    this.dryUntil = -Infinity;
  }

  /** The store was asked when there had been so many hints; `last` is what came last, undefined when that was all it had. */
  answered(hints: number, last: Claimed | undefined): void {
    this.#answered = hints;
    this.#horizon = last;
  }

  /** Claims that wait; those that were called back meanwhile are still counted until they are met. */
  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  /** How many more it may be handed ahead; 0 while half of that is there. */
  get wanted(): number {
    return this.waiting * 2 <= this.#target ? this.#target - this.waiting : 0;
  }

  /**
   * Sets how much is claimed ahead: what it ends in 50 ms at its pace, which is nothing where jobs are long (L16). Nor is any of a
   * queue with limits, whose places would be taken by what does not run; of one that ages, whose order is not that of L1; of
   * isolated jobs, whose pool is what they wait for; of the long lane.
   */
  aim(now: number, { paused, concurrency, keyConcurrency, ratePerSecond, agingMs }: QueueSettings): void {
    const { lane, process } = this.served;
    const isPlain =
      !paused && concurrency === null && keyConcurrency === null && ratePerSecond === null && agingMs === null;
    const worth = Math.floor(this.pace.at(now) * limits.prefetchMs);
    this.#target = isPlain && lane === "short" && process === "inline" ? Math.min(worth, limits.prefetchJobsMax) : 0;
  }

  add(attempt: Attempt): void {
    const waiting = this.#waiting;
    let low = this.#first;
    let high = waiting.length;
    // Most come behind all that wait.
    if (high > low && !isBefore(attempt.claimed, waiting[high - 1]?.claimed)) low = high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(attempt.claimed, waiting[middle]?.claimed)) high = middle;
      else low = middle + 1;
    }
    if (low === waiting.length) waiting.push(attempt);
    else waiting.splice(low, 0, attempt);
  }

  /** The next by L1; undefined when none waits, or the store may have one that comes before it. */
  next(): Attempt | undefined {
    while (this.#first < this.#waiting.length && !this.#isBeyondHorizon) {
      const attempt = this.#waiting[this.#first];
      this.#first += 1;
      if (this.#first > limits.prefetchJobsMax || this.#first === this.#waiting.length) this.#forgetBegun();
      // Given back meanwhile: a stop, a cancel.
      if (attempt?.isWaiting === true) return attempt;
    }
    return undefined;
  }

  /** Takes all out that waits. */
  drain(): Attempt[] {
    const all = this.#waiting.slice(this.#first);
    this.#first = this.#waiting.length;
    this.#forgetBegun();
    return all;
  }

  #forgetBegun(): void {
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}

/** L1, which is the order in which claims come. */
function isBefore(a: Claimed, b: Claimed | undefined): boolean {
  if (b === undefined) return false;
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.attemptsUsed !== b.attemptsUsed) return a.attemptsUsed < b.attemptsUsed;
  return a.id.length === b.id.length ? a.id < b.id : a.id.length < b.id.length;
}
