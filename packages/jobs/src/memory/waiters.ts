import type { Clock } from "../manager/clock.ts";

/** Who waits in this process, by name, in the order they came. */
export class Waiters {
  readonly #lines = new Map<string, Set<Waiter>>();

  join(name: string): Waiter {
    const line = this.#lines.get(name) ?? new Set();
    this.#lines.set(name, line);
    const waiter = new Waiter(() => {
      line.delete(waiter);
      if (line.size === 0 && this.#lines.get(name) === line) this.#lines.delete(name);
    });
    line.add(waiter);
    return waiter;
  }

  /** A permit came back: for the first of them, since the others would look in vain. */
  wake(name: string): void {
    const [first] = this.#lines.get(name) ?? [];
    first?.wake();
  }
}

/** One who waits, from its coming to `leave`: looking and pausing in turns. */
export class Waiter {
  readonly leave: () => void;
  #end: (() => void) | undefined;
  #woken = false;

  constructor(leave: () => void) {
    this.leave = leave;
  }

  /** Ends the pause; one that comes during a look, whose answer may be from before, ends the next pause before it begins. */
  wake(): void {
    this.#woken = true;
    this.#end?.();
  }

  /** Until then, until woken, or until the signal. */
  async pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#woken && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const end = (): void => resolve();
      this.#end = end;
      const cancel = clock.after(ms, end);
      signal.addEventListener("abort", end);
      await promise;
      signal.removeEventListener("abort", end);
      cancel();
      this.#end = undefined;
    }
    this.#woken = false;
  }
}
