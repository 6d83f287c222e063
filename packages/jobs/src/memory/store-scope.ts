import { randomUUID } from "node:crypto";
import { JobsError } from "../core/errors.ts";
import { pauseMs, type Standing } from "../core/permits.ts";
import type {
  MemoryOperation,
  MemoryResult,
  MemoryStore,
  PermitAnswer,
  PermitStore,
  SeenTicket,
} from "../transporters/permits.ts";
import { isGone, thisProcess } from "./holder.ts";
import { lostPermit, mismatch, tooManyWaiters } from "./refusals.ts";
import { PermitKeeper, type PermitKeeperOptions, StorePermit } from "./permit-keeper.ts";
import type { HeldPermit, PermitWish, Scope } from "./scope.ts";
import type { Waiter, Waiters } from "./waiters.ts";

export interface StoreScopeOptions extends Omit<PermitKeeperOptions, "release"> {
  permits: PermitStore;
  memory: MemoryStore;
  waiters: Waiters;
  /** The shortest pause of the first in line between two looks. */
  pauseFirstMs: number;
  random: () => number;
}

/** The same where all who stand before tell when they leave: a look is for those who died, and for hints that were lost. */
const pauseToldMs = 50;

/** How often a waiter looks whether those before it are still alive: a dead holder's permit is free within a second (L12). */
const livenessEveryMs = 100;

/**
 * Semaphores and memory through a store (L12). The line is the store's; a waiter looks again after pauses that grow with its
 * place and its patience, and at once when it is told that its turn has come: by whoever on this host gives a permit back.
 */
export class StoreScope implements Scope {
  readonly #options: StoreScopeOptions;
  readonly #keeper: PermitKeeper;
  readonly #here = thisProcess();
  #stop = new AbortController();

  constructor(options: StoreScopeOptions) {
    this.#options = options;
    this.#keeper = new PermitKeeper({ ...options, release: (ticket) => this.#release([ticket]) });
  }

  async acquire(wish: PermitWish): Promise<StorePermit | undefined> {
    const { waiters } = this.#options;
    const ticket = randomUUID();
    const signal = wish.signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, wish.signal]);
    const waiter = waiters.join(ticket);
    try {
      return await this.#inLine(ticket, waiter, wish, signal);
    } catch (thrown) {
      // What was asked may have been granted and the answer lost.
      this.#release([ticket]).catch(() => undefined);
      throw thrown;
    } finally {
      waiter.leave();
    }
  }

  async apply(operations: MemoryOperation[], guards: readonly HeldPermit[]): Promise<MemoryResult[]> {
    const tickets = guards.filter((guard) => guard instanceof StorePermit).map(({ ticket }) => ticket);
    const condition = tickets.length === 0 ? {} : { held: tickets };
    const answer = await this.#options.memory.apply(operations, condition);
    if (answer.state === "refused") throw lostPermit();
    return answer.results;
  }

  async applyAlone(operations: MemoryOperation[], wish: PermitWish): Promise<MemoryResult[] | undefined> {
    // Where nobody is in the section, the act is alone by itself: one round trip instead of three.
    const answer = await this.#options.memory.apply(operations, { free: wish.name });
    if (answer.state === "applied") return answer.results;
    const held = await this.acquire(wish);
    if (held === undefined) return undefined;
    try {
      return await this.apply(operations, [held]);
    } finally {
      await held.release();
    }
  }

  start(): void {
    if (this.#stop.signal.aborted) this.#stop = new AbortController();
  }

  /** Waiting ends with `manager_stopped`; permits still held are told lost and are free with their leases at the latest. */
  async stop(): Promise<void> {
    this.#stop.abort(new JobsError("manager_stopped", "the manager was stopped while a permit was waited for"));
    await this.#keeper.stop();
  }

  async #inLine(
    ticket: string,
    waiter: Waiter,
    wish: PermitWish,
    signal: AbortSignal,
  ): Promise<StorePermit | undefined> {
    const { permits, clock, leaseMs, waiters, pauseFirstMs, random } = this.#options;
    const { name } = wish;
    const holder = await waiters.holder();
    const asked = { name, permits: wish.permits, ticket, leaseMs, wait: wish.waitMs > 0, holder };
    const deadline = clock.now() + wish.waitMs;
    const place = new Place();
    let lookedAt = -Infinity;
    for (;;) {
      signal.throwIfAborted();
      const sentAt = clock.now();
      const [answer] = await abortable(permits.acquire([asked]), signal);
      if (answer?.state === "held") {
        return await this.#keeper.hold(ticket, name, answer.fence, sentAt + leaseMs);
      }
      if (answer?.state === "refused" && answer.why === "taken") {
        // Of a holder that is gone for certain it is free: asked once more then.
        if (await this.#buryDead(answer.before)) continue;
        return undefined;
      }
      if (answer?.state !== "waiting") throw refusal(wish, answer);
      const now = clock.now();
      if (now >= deadline) {
        await this.#release([ticket]);
        return undefined;
      }
      const standing = place.seen(answer.ahead, now);
      if (now - lookedAt >= livenessEveryMs) {
        lookedAt = now;
        if (await this.#buryDead(answer.before)) continue;
      }
      const firstMs = waiters.areToldBy(answer.before) ? pauseToldMs : pauseFirstMs;
      const pause = pauseMs(standing, firstMs, leaseMs) * (0.75 + random() / 2);
      await waiter.pause(Math.min(pause, deadline - now), clock, signal);
    }
  }

  /** Permits and places of processes of this host that are gone are free at once. */
  async #buryDead(before: readonly SeenTicket[]): Promise<boolean> {
    const dead = before.filter((seen) => isGone(seen, this.#here)).map(({ ticket }) => ticket);
    if (dead.length === 0) return false;
    return (await this.#release(dead)).includes(true);
  }

  async #release(tickets: string[]): Promise<boolean[]> {
    const { permits, waiters } = this.#options;
    const { released, next } = await permits.release(tickets);
    waiters.tell(next);
    return released;
  }
}

/** A waiter's way up its line. */
class Place {
  #first: { ahead: number; at: number } | undefined;
  #ahead = Infinity;
  #since = 0;

  /** @param now by the manager's clock. */
  seen(ahead: number, now: number): Standing {
    if (ahead !== this.#ahead) {
      this.#ahead = ahead;
      this.#since = now;
    }
    this.#first ??= { ahead, at: now };
    const moved = this.#first.ahead - ahead;
    return { ahead, stoodMs: now - this.#since, placeMs: moved > 0 ? (now - this.#first.at) / moved : 0 };
  }
}

function refusal({ name, permits }: PermitWish, answer: PermitAnswer | undefined): JobsError {
  if (answer?.state !== "refused") {
    return new JobsError(
      "store_unavailable",
      `the store gave no answer for semaphore ${JSON.stringify(name)}: ask again`,
    );
  }
  return answer.why === "permits" ? mismatch(name, permits, answer.permits) : tooManyWaiters(name);
}

/** A call that hangs does not keep its caller past the signal. */
async function abortable<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort);
  call.catch(() => undefined);
  try {
    return await Promise.race([call, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
