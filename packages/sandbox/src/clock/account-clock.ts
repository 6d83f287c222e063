import type { Clock } from "./clock.ts";

/**
 * The time that the account's records are stamped with (`created`, `updated`, events): the clock's own plus an offset
 * that can be set, for a provider's clock need not agree with its client's (C16). What takes time is not affected.
 */
export class AccountClock {
  /** Milliseconds, negative for a clock that is behind. Records that exist keep their stamps. */
  offsetMs: number;
  readonly #clock: Clock;

  constructor(clock: Clock, offsetMs: number) {
    this.#clock = clock;
    this.offsetMs = offsetMs;
  }

  /** Milliseconds since the epoch, as the account sees it. */
  stamp(): number {
    return this.#clock.now() + this.offsetMs;
  }
}
