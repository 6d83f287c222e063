import type { Attempt } from "./attempt.ts";

/**
 * The attempts that a runner has, in no order. A Set of 20,000 which come and go within a second makes its table anew, 650 KB of it, more
 * often than once a second; here each knows its place, and the last takes the place of the one that goes.
 */
export class LiveAttempts implements Iterable<Attempt> {
  readonly #all: Attempt[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(attempt: Attempt): void {
    attempt.place = this.#all.length;
    this.#all.push(attempt);
  }

  delete(attempt: Attempt): void {
    const { place } = attempt;
    if (this.#all[place] !== attempt) return;
    const last = this.#all.pop();
    if (last === undefined || last === attempt) return;
    this.#all[place] = last;
    last.place = place;
  }

  /** Backwards, so that all are met however many of them go meanwhile; those that come then are not. */
  *[Symbol.iterator](): Generator<Attempt> {
    for (let place = this.#all.length - 1; place >= 0; place -= 1) {
      const attempt = this.#all[place];
      if (attempt !== undefined) yield attempt;
    }
  }
}
