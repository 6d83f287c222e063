import { limits } from "../core/limits.ts";
import type { Clock } from "../manager/clock.ts";
import type { GuardedLease, PermitTable } from "../manager/lease-permits.ts";
import { sharedNowUs } from "../manager/lease-table.ts";
import type { PermitStore } from "../transporters/permits.ts";
import { lostPermit } from "./refusals.ts";
import type { HeldPermit } from "./scope.ts";

export interface PermitKeeperOptions {
  permits: Pick<PermitStore, "renew">;
  /** Gives a ticket back. False: it was gone already. */
  release: (ticket: string) => Promise<boolean[]>;
  /** The lease thread's, which renews what this loop is late for (L9); undefined where the store has no way for a thread. */
  table: () => Promise<PermitTable | undefined>;
  leaseMs: number;
  clock: Clock;
}

/** Looks at all leases so many times in one: renewal at a third, given up in the last quarter, as for attempts (L3). */
const looksPerLease = 6;

/**
 * Renews the leases of the permits in hand, in batches; there is no timer while there are none. The lease thread does so too while
 * this loop is blocked: what it did stands in the table, and is looked up before anything is given up.
 */
export class PermitKeeper {
  readonly #options: PermitKeeperOptions;
  readonly #held = new Set<StorePermit>();
  readonly #calls = new Set<Promise<void>>();
  #table: Promise<PermitTable | undefined> | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(options: PermitKeeperOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the lease thread keeps it too: code that has a permit may block this loop at once. Only the first waits for that.
   *
   * @param leaseUntil by the manager's clock, counted from before the call that got it.
   */
  async hold(ticket: string, name: string, fence: number, leaseUntil: number): Promise<StorePermit> {
    const permit = new StorePermit({ ticket, name, fence, leaseUntil }, () => this.#giveBack(permit));
    this.#held.add(permit);
    this.#arm();
    this.#table ??= this.#options.table();
    const table = await this.#table;
    // Meanwhile this loop may have renewed it, or the manager stopped.
    if (this.#held.has(permit)) permit.guard(table, this.#sharedUs(permit.leaseUntil));
    return permit;
  }

  /** All that is held is told lost. */
  async stop(): Promise<void> {
    for (const permit of this.#held) this.#lose(permit);
    // The thread forgets it with the manager's stop; who starts again has a new one.
    this.#table = undefined;
    await Promise.all(this.#calls);
  }

  /** The shared clock's µs for an instant of the manager's clock. */
  #sharedUs(at: number): number {
    return sharedNowUs() + (at - this.#options.clock.now()) * 1_000;
  }

  async #giveBack(permit: StorePermit): Promise<boolean> {
    const { release, clock } = this.#options;
    const inTime = (): boolean => !permit.lost.aborted && clock.now() < permit.leaseUntil;
    this.#heardOfThread(permit);
    this.#drop(permit);
    try {
      const [held] = await release(permit.ticket);
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
      this.#heardOfThread(permit);
      if (permit.lost.aborted) continue;
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
        if (!this.#held.has(permit)) continue;
        if (states[index] === "renewed") this.#renewed(permit, sentAt + leaseMs);
        else this.#lose(permit);
      }
    } catch {
      // Asked again with the next look; the last quarter of the lease decides.
    }
  }

  #renewed(permit: StorePermit, leaseUntil: number): void {
    permit.renewed(leaseUntil);
    permit.guarded?.extend(this.#sharedUs(leaseUntil));
  }

  /** What the store told the lease thread while this loop was blocked. */
  #heardOfThread(permit: StorePermit): void {
    if (permit.guarded === undefined) return;
    const untilUs = permit.guarded.untilUs();
    if (untilUs === undefined) return this.#lose(permit);
    const leaseUntil = this.#options.clock.now() + (untilUs - sharedNowUs()) / 1_000;
    // Beyond the rounding of two clocks: a renewal that this loop has not made.
    if (leaseUntil > permit.leaseUntil + this.#options.leaseMs / looksPerLease) permit.renewed(leaseUntil);
  }

  #lose(permit: StorePermit): void {
    this.#drop(permit);
    permit.lose();
  }

  #drop(permit: StorePermit): void {
    this.#held.delete(permit);
    this.#arm();
    permit.guarded?.drop();
    permit.guarded = undefined;
  }
}

interface Granted {
  ticket: string;
  name: string;
  fence: number;
  /** By the manager's clock. */
  leaseUntil: number;
}

/** A permit of a store's semaphore. */
export class StorePermit implements HeldPermit {
  readonly ticket: string;
  readonly fence: number;
  leaseUntil: number;
  /** What the lease thread sees of it; undefined while, and where, it does not. */
  guarded: GuardedLease | undefined;
  /** Renewals sent since the last that succeeded. */
  renewalsOpen = 0;
  readonly #name: string;
  readonly #lost = new AbortController();
  readonly #giveBack: () => Promise<boolean>;
  #released: Promise<boolean> | undefined;

  constructor({ ticket, name, fence, leaseUntil }: Granted, giveBack: () => Promise<boolean>) {
    this.ticket = ticket;
    this.fence = fence;
    this.leaseUntil = leaseUntil;
    this.#name = name;
    this.#giveBack = giveBack;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  guard(table: PermitTable | undefined, untilUs: number): void {
    this.guarded = table?.hold(this.ticket, untilUs);
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
