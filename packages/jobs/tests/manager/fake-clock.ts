import type { Clock } from "../../src/manager/clock.ts";

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Map<() => void, number>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    // Each call its own key, though the callback may be the same.
    const timer = (): void => callback();
    this.#timers.set(timer, this.#now + ms);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass, timer by timer, and what they set off run. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await turns();
    for (;;) {
      const [next] = [...this.#timers].filter(([, at]) => at <= until).toSorted(([, a], [, b]) => a - b);
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1]);
      next[0]();
      await turns();
    }
    this.#now = until;
  }

  /** Time passes and no timer fires: as when the event loop is blocked. They fire, late, with the next `advance`. */
  block(ms: number): void {
    this.#now += ms;
  }
}

/** Lets promises and immediates that are due run. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
