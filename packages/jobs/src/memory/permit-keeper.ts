import { limits } from "../core/limits.ts";
import type { Clock } from "../manager/clock.ts";
import type { PermitStore } from "../transporters/permits.ts";
import { lostPermit } from "./refusals.ts";
import type { HeldPermit } from "./scope.ts";

export interface PermitKeeperOptions {
  permits: PermitStore;
  leaseMs: number;
  clock: Clock;
}

/** Looks at all leases so many times in one: renewal at a third, given up in the last quarter, as for attempts (L3). */
const looksPerLease = 6;

/** Renews the leases of the permits in hand, in batches; there is no timer while there are none. */
export class PermitKeeper {
  readonly #options: PermitKeeperOptions;
  readonly #held = new Set<StorePermit>();
  readonly #calls = new Set<Promise<void>>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: PermitKeeperOptions) {
    this.#options = options;
  }

  /** @param leaseUntil by the manager's clock, counted from before the call that got it. */
  hold(ticket: string, name: string, fence: number, leaseUntil: number, released: () => void): StorePermit {
    const permit = new StorePermit(ticket, name, fence, leaseUntil, async () => {
      this.#held.delete(permit);
      this.#arm();
      const held = await this.#giveBack(permit);
      released();
      return held;
    });
    this.#held.add(permit);
    this.#arm();
    return permit;
  }

  async stop(): Promise<void> {
    for (const permit of this.#held) permit.lose();
    this.#held.clear();
    this.#arm();
    await Promise.all(this.#calls);
  }

  async #giveBack(permit: StorePermit): Promise<boolean> {
    const { permits, clock } = this.#options;
    const inTime = (): boolean => !permit.lost.aborted && clock.now() < permit.leaseUntil;
    try {
      const [held] = await permits.release([permit.ticket]);
      // A lease that ran out unnoticed and that nobody took is no loss.
      return held === true && !permit.lost.aborted;
    } catch {
      // It comes free with its lease; until then nobody else can have been in.
      return inTime();
    }
  }

  #arm(): void {
    const { clock, leaseMs } = this.#options;
    if (this.#held.size === 0) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
    } else {
      this.#cancelTimer ??= clock.after(leaseMs / looksPerLease, () => {
        this.#cancelTimer = undefined;
        this.#look();
        this.#arm();
      });
    }
  }

  #look(): void {
    const { clock, leaseMs } = this.#options;
    const now = clock.now();
    const due: StorePermit[] = [];
    for (const permit of this.#held) {
      const left = permit.leaseUntil - now;
      if (left > (leaseMs * 2) / 3) continue;
      // After a blocked event loop it is asked first: as long as nobody took it, it is ours.
      if (left <= leaseMs / 4 && permit.renewalsOpen > 0) this.#lose(permit);
      else due.push(permit);
    }
    for (const permit of due) permit.renewalsOpen += 1;
    // Two calls at most: one that hangs leaves room for one on a new connection.
    if (this.#calls.size >= 2) return;
    for (let from = 0; from < due.length; from += limits.batchJobsMax) {
      const call = this.#renew(due.slice(from, from + limits.batchJobsMax)).finally(() => this.#calls.delete(call));
      this.#calls.add(call);
    }
  }

  async #renew(due: StorePermit[]): Promise<void> {
    const { permits, clock, leaseMs } = this.#options;
    const sentAt = clock.now();
    try {
      const states = await permits.renew(due.map(({ ticket }) => ({ ticket, leaseMs })));
      for (const [index, permit] of due.entries()) {
        if (states[index] === "renewed") permit.renewed(sentAt + leaseMs);
        else if (this.#held.has(permit)) this.#lose(permit);
      }
    } catch {
      // Asked again with the next look; the last quarter of the lease decides.
    }
  }

  #lose(permit: StorePermit): void {
    this.#held.delete(permit);
    permit.lose();
  }
}

/** A permit of a store's semaphore. */
export class StorePermit implements HeldPermit {
  readonly ticket: string;
  readonly fence: number;
  leaseUntil: number;
  /** Renewals sent since the last that succeeded. */
  renewalsOpen = 0;
  readonly #name: string;
  readonly #lost = new AbortController();
  readonly #giveBack: () => Promise<boolean>;
  #released: Promise<boolean> | undefined;

  constructor(ticket: string, name: string, fence: number, leaseUntil: number, giveBack: () => Promise<boolean>) {
    this.ticket = ticket;
    this.fence = fence;
    this.leaseUntil = leaseUntil;
    this.#name = name;
    this.#giveBack = giveBack;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  renewed(leaseUntil: number): void {
    this.renewalsOpen = 0;
    this.leaseUntil = Math.max(this.leaseUntil, leaseUntil);
  }

  lose(): void {
    this.#lost.abort(lostPermit(this.#name));
  }

  release(): Promise<boolean> {
    this.#released ??= this.#giveBack();
    return this.#released;
  }
}
