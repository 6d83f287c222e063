import type { Clock } from "../manager/clock.ts";
import type { PermitHolder, SeenTicket } from "../transporters/permits.ts";
import { Bell, isInEarshot } from "./bell.ts";
import { bellOf, thisProcess } from "./holder.ts";

/** Who waits in this process for permits of stores, and the way to those who wait in the others of this host. */
export class Waiters {
  readonly #waiters = new Map<string, Waiter>();
  readonly #bell = new Bell((ticket) => this.#waiters.get(ticket)?.wake());

  /** This process as others see it, with the address where it is rung. */
  async holder(): Promise<PermitHolder> {
    return thisProcess(await this.#bell.address());
  }

  join(ticket: string): Waiter {
    const waiter = new Waiter(() => this.#waiters.delete(ticket));
    this.#waiters.set(ticket, waiter);
    return waiter;
  }

  /** Permits came back, and these are next. */
  tell(next: readonly SeenTicket[]): void {
    for (const seen of next) {
      const waiter = this.#waiters.get(seen.ticket);
      const address = bellOf(seen);
      if (waiter !== undefined) waiter.wake();
      else if (address !== undefined) this.#bell.ring(address, seen.ticket);
    }
  }

  /** True when every one of these will tell here that it gives its permit, or its place, back. */
  areToldBy(before: readonly SeenTicket[]): boolean {
    return before.every((seen) => isInEarshot(bellOf(seen) ?? ""));
  }

  stop(): void {
    this.#bell.close();
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
