import { JobsError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { mismatch, tooManyWaiters } from "./refusals.ts";
import { timerMsMax } from "../manager/clock.ts";
import type { NamedTable, Taken } from "./named-table.ts";
import type { HeldPermit, PermitWish } from "./scope.ts";

/** A wake can be lost with a thread that died of it: then the others look again after so long. */
const lookAgainMs = 50;

/**
 * One thread's way to the semaphores of its manager's table. Its own waiters stand in line here, first come, first served;
 * the first of them stands in the table's.
 */
export class TableSemaphores {
  readonly #table: NamedTable;
  readonly #lines = new Map<string, { length: number; last: Promise<void> }>();
  #stop = new AbortController();

  constructor(table: NamedTable) {
    this.#table = table;
  }

  start(): void {
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
  }

  /** Waiting ends with `manager_stopped`. */
  stop(): void {
    this.#stop.abort(new JobsError("manager_stopped", "the manager was stopped while a permit was waited for"));
  }

  async acquire(wish: PermitWish): Promise<HeldPermit | undefined> {
    wish.signal?.throwIfAborted();
    this.#stop.signal.throwIfAborted();
    const line = this.#lines.get(wish.name);
    if (line === undefined || wish.waitMs <= 0) {
      const taken = await this.#table.take(wish.name, wish.permits, { wait: false, waits: false });
      if (taken.state === "held") return this.#held(wish.name, taken.fence);
      if (taken.state !== "taken") throw refusal(wish, taken);
      if (wish.waitMs <= 0) return undefined;
    }
    return await this.#inLine(wish);
  }

  async #inLine(wish: PermitWish): Promise<HeldPermit | undefined> {
    const { name, waitMs, signal } = wish;
    const line = this.#lines.get(name) ?? { length: 0, last: Promise.resolve() };
    if (line.length >= limits.permitWaitersMax) throw tooManyWaiters(name);
    this.#lines.set(name, line);
    line.length += 1;
    const before = line.last;
    const turn = Promise.withResolvers<void>();
    line.last = before.then(() => turn.promise);
    const end = endOf(waitMs, signal, this.#stop.signal);
    try {
      // Who gives up leaves at once; who stands behind it waits for those before it all the same.
      await Promise.race([before, end.promise]);
      return end.reached() ? undefined : await this.#first(wish, end);
    } finally {
      end.clear();
      turn.resolve();
      line.length -= 1;
      if (line.length === 0) this.#lines.delete(name);
    }
  }

  async #first({ name, permits, ...wish }: PermitWish, end: End): Promise<HeldPermit | undefined> {
    let waits = false;
    for (;;) {
      const taken = await this.#table.take(name, permits, { wait: true, waits });
      if (taken.state === "held") return this.#held(name, taken.fence);
      if (taken.state !== "waiting") throw refusal({ name, permits, ...wish }, taken);
      waits = true;
      await Promise.race([this.#table.changed(taken, lookAgainMs), end.promise]);
      try {
        if (!end.reached()) continue;
      } catch (thrown) {
        await this.#table.giveUp(name);
        throw thrown;
      }
      await this.#table.giveUp(name);
      return undefined;
    }
  }

  #held(name: string, fence: number): HeldPermit {
    let released: Promise<boolean> | undefined;
    const release = (): Promise<boolean> => {
      released ??= this.#table.give(name).then(() => true);
      return released;
    };
    return { fence, lost: neverLost, release };
  }
}

/** Memory is lost with all that share it: nobody else can have been in. */
const neverLost = new AbortController().signal;

function refusal({ name, permits }: PermitWish, taken: Taken): JobsError {
  if (taken.state === "mismatch") return mismatch(name, permits, taken.permits);
  return new JobsError(
    "permit_waiters_exceeded",
    `semaphore ${JSON.stringify(name)}: ${limits.managerSemaphoresMax} are in use in this manager (limits.managerSemaphoresMax): use fewer names at a time`,
  );
}

interface End {
  /** Resolves at the end of the time or at a signal. */
  promise: Promise<void>;
  /** @throws the signal's reason. */
  reached(): boolean;
  clear(): void;
}

function endOf(ms: number, ...signals: (AbortSignal | undefined)[]): End {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  const timer = setTimeout(
    () => {
      isOver = true;
      resolve();
    },
    Math.min(ms, timerMsMax),
  );
  const heard = (): void => resolve();
  for (const signal of signals) signal?.addEventListener("abort", heard);
  return {
    promise,
    reached: () => {
      for (const signal of signals) signal?.throwIfAborted();
      return isOver;
    },
    clear: () => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", heard);
    },
  };
}
