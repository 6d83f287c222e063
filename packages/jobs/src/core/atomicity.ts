import type { Duration } from "./duration.ts";

/**
 * For whom a semaphore or a key of the shared memory is one and the same (L12): the processes and threads of one manager, all
 * managers of this user on a host, or all managers of a store.
 */
export type SemaphoreScope = "manager" | "host" | "store";

/** How to wait for a permit. */
export interface PermitWait {
  /** How long at most; 60 s by default. */
  timeout?: Duration;
  /** Gives up waiting. In a handler the job's own signal does so too. */
  signal?: AbortSignal;
}

/** For whom a section is alone, and how long to wait for it. */
export interface AtomicityOptions extends PermitWait {
  /** `"store"` by default: the one that holds wherever the managers run. The others are faster. */
  scope?: SemaphoreScope;
}

/** What a semaphore is, for all that use its name. */
export interface SemaphoreOptions {
  /** How many may hold it at once; 1 by default. The same for all that use the name at a time. */
  permits?: number;
  /** `"store"` by default: the one that holds wherever the managers run. The others are faster. */
  scope?: SemaphoreScope;
}

/** A permit in hand: `await using permit = await semaphore.acquire()`, or `release()` in a `finally`. */
export interface Permit extends AsyncDisposable {
  /** Grows with each grant: pass it outward where the other side can refuse an older one (L12). */
  readonly fence: number;
  /** Aborted when others may hold it: its manager could not renew it in time, or was stopped. */
  readonly signal: AbortSignal;
  /**
   * Gives it back. Safe to call twice.
   *
   * @throws JobsError `permit_lost` when it had been lost before: what was done meanwhile was not alone.
   */
  release(): Promise<void>;
}

/** A named semaphore. Strict: never more holders than permits; a holder that dies gives its permit back (L12). */
export interface Semaphore {
  /**
   * Waits for a permit, first come, first served.
   *
   * @throws JobsError `permit_timed_out`, `permit_waiters_exceeded`, `semaphore_mismatch`, `semaphore_nested`,
   *   `store_unavailable`; the signal's reason.
   */
  acquire(options?: PermitWait): Promise<Permit>;
  /** A permit if one is free now; undefined otherwise. Throws as `acquire`. */
  tryAcquire(): Promise<Permit | undefined>;
  /** Runs `fn` with a permit and gives it back, whatever comes. Throws as `acquire`, what `fn` throws, and `permit_lost`. */
  use<T>(fn: (permit: Permit) => T | Promise<T>, options?: PermitWait): Promise<T>;
}

/**
 * Values by key, shared by all in the scope (L12); plain data that JSON holds. `add`, `get`, `has` and `remove` are one atomic act each and
 * do not wait: put several into `ensureAtomicity(key, …)` where they belong together. The `atom…` ones take the semaphore of the key's
 * name themselves: they wait for such a section of others, and so cannot come between its reading and its writing.
 *
 * In a section of the same scope the plain ones take effect only while the section still holds its permit (`permit_lost`).
 */
export interface SharedMemory {
  /** Puts the value there, in the place of what was. */
  add(key: string, value: unknown): Promise<void>;
  get(key: string): Promise<unknown>;
  has(key: string): Promise<boolean>;
  /** True when it was there. */
  remove(key: string): Promise<boolean>;
  atomAdd(key: string, value: unknown, options?: PermitWait): Promise<void>;
  atomGet(key: string, options?: PermitWait): Promise<unknown>;
  /** True when it was there. */
  atomRemove(key: string, options?: PermitWait): Promise<boolean>;
  /**
   * Adds to a number, 0 if there is none, and returns the sum.
   *
   * @param by 1 by default; negative to take away.
   * @throws JobsError `invalid_input` when what is there is no number.
   */
  atomIncrement(key: string, by?: number, options?: PermitWait): Promise<number>;
}

/** What a manager and every handler have of L12. All can be taken out of it. */
export interface Atomicity {
  /**
   * Runs `fn` alone: in this scope no other section of this name runs meanwhile.
   *
   * @throws JobsError as `Semaphore.use`. `permit_lost`: the section had been taken for dead before it ended.
   */
  readonly ensureAtomicity: <T>(
    name: string,
    fn: (permit: Permit) => T | Promise<T>,
    options?: AtomicityOptions,
  ) => Promise<T>;
  /** @throws JobsError `invalid_options`. */
  readonly semaphore: (name: string, options?: SemaphoreOptions) => Semaphore;
  /** @param scope `"store"` by default. Of the manager's it ends with the manager, of a host with the host, of a store never. */
  readonly memory: (scope?: SemaphoreScope) => SharedMemory;
}
