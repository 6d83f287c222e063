import { timerMsMax, type Clock } from "./clock.ts";

export interface Due {
  /** By the manager's clock; undefined: never. */
  dueAt: number | undefined;
}

/**
 * What is due when, with one timer for all of it: an attempt that ends in time has cost a comparison, where a timer of its own
 * cost 1.4 µs to set and take back, and 300 bytes while it ran.
 *
 * The timer stands at the earliest deadline that was told; what has ended meanwhile is simply not among `all` any more. A look at n
 * things comes at most every n µs, so that also 20,000 distinct deadlines take a hundredth of the loop.
 */
export class Deadlines<T extends Due> {
  readonly #all: Iterable<T> & { readonly size: number };
  readonly #clock: Clock;
  readonly #onDue: (due: T) => void;
  #standsAt = Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(all: Iterable<T> & { readonly size: number }, clock: Clock, onDue: (due: T) => void) {
    this.#all = all;
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** There is one with this deadline among `all`, or it has changed to this. */
  told(dueAt: number): void {
    if (dueAt < this.#standsAt) this.#stand(dueAt);
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#standsAt = Infinity;
  }

  #stand(at: number): void {
    this.#cancelTimer?.();
    this.#standsAt = at;
    const waitMs = Math.max(0, Math.ceil(at - this.#clock.now()));
    this.#cancelTimer = this.#clock.after(Math.min(waitMs, timerMsMax), () => this.#look());
  }

  #look(): void {
    const now = this.#clock.now();
    this.#standsAt = Infinity;
    const due: T[] = [];
    let next = Infinity;
    for (const each of this.#all) {
      if (each.dueAt === undefined) continue;
      if (each.dueAt <= now) due.push(each);
      else next = Math.min(next, each.dueAt);
    }
    for (const each of due) this.#onDue(each);
    next = Math.min(next, this.#standsAt);
    if (next < Infinity) this.#stand(Math.max(next, now + this.#all.size / 1_000));
  }
}
