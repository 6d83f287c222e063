import { failureOf } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Lease, RenewState, Transporter } from "../transporters/transporter.ts";
import type { Attempt } from "./attempt.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { LeaseGuard } from "./lease-guard.ts";
import type { Runner } from "./runner.ts";

export interface LeaseKeeperOptions {
  transporter: Pick<Transporter, "renew">;
  runner: Pick<Runner, "live" | "abort">;
  guard: Pick<LeaseGuard, "beat" | "extend">;
  leaseMs: number;
  clock: Clock;
  log: Log;
}

/** Looks at all leases so many times in one: renewal at a third, abort in the last quarter. */
const looksPerLease = 6;

/**
 * Renews the leases of running attempts, in batches, when a third of them has passed; aborts what it could not renew in the last
 * quarter, before another manager may claim it (L3).
 *
 * Its look is a timer that awaits nothing: a store that hangs does not keep it from aborting in time. After the event loop
 * was blocked, leases are first tried to be renewed: as long as nobody has rescued the job, it is still ours.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #calls = new Set<Promise<void>>();
  /** Begun, and unstarted for all the store knows; in the order they began. */
  #unmarked: Attempt[] = [];
  #cancelMark: (() => void) | undefined;
  /** About to begin, and to be marked before. */
  #toMark: Attempt[] = [];
  #marking: Promise<unknown> | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopped = true;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelMark?.();
    this.#cancelMark = undefined;
    this.#unmarked = [];
    await Promise.all(this.#calls);
  }

  /**
   * A prefetched attempt is to begin, and the store to know of it before: `isMarked` is true then. Those of one turn of the event loop
   * go together. Never rejects.
   */
  async mark(attempt: Attempt): Promise<void> {
    this.#toMark.push(attempt);
    this.#marking ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      const attempts = this.#toMark;
      this.#toMark = [];
      this.#marking = undefined;
      return Promise.all(inBatches(attempts).map((batch) => this.#renew(batch)));
    });
    await this.#marking;
  }

  /**
   * A prefetched attempt has begun. What ends before `limits.prefetchMs` have passed tells its start with its settlement; what runs on
   * is marked by a renewal, many in one. Should the manager die in between, the store takes the attempt for unstarted: the job comes
   * back at no cost (L4), though it ran for at most that time. A job that kills its manager at once, again and again, is charged all the same: a manager
   * without a pace claims no job ahead, and that job is the first that the next one claims.
   */
  began(attempt: Attempt): void {
    this.#unmarked.push(attempt);
    if (this.#cancelMark === undefined && !this.#stopped) this.#markIn(limits.prefetchMs);
  }

  #markIn(ms: number): void {
    this.#cancelMark = this.#options.clock.after(ms, () => this.#mark());
  }

  #mark(): void {
    const due = this.#options.clock.now() - limits.prefetchMs;
    const running = this.#unmarked.filter(({ ended, lost, isMarked }) => !ended && !lost && !isMarked);
    const marked = running.filter(({ startedAt = Infinity }) => startedAt <= due);
    this.#cancelMark = undefined;
    // Those stay until a renewal has reached the store.
    this.#unmarked = running;
    if (running.length > 0) this.#markIn(limits.prefetchMs / 2);
    const sent = marked.filter(({ renewalsOpen }) => renewalsOpen === 0);
    for (const batch of inBatches(sent)) this.#send(batch);
  }

  #arm(): void {
    const { clock, leaseMs } = this.#options;
    this.#cancelTimer = clock.after(leaseMs / looksPerLease, () => {
      this.#look();
      if (!this.#stopped) this.#arm();
    });
  }

  #look(): void {
    const { runner, guard, leaseMs, clock } = this.#options;
    guard.beat();
    const now = clock.now();
    const due: Attempt[] = [];
    for (const attempt of runner.live) {
      const left = attempt.leaseUntil - now;
      // What has not begun is not renewed: that would mark it started (L4, L9).
      if (attempt.startedAt === undefined || attempt.lost || left > (leaseMs * 2) / 3) continue;
      if (left <= leaseMs / 4 && attempt.renewalsOpen > 0) runner.abort(attempt, "lease");
      due.push(attempt);
    }
    // Two calls at most: one that hangs leaves room for one on a new connection.
    if (this.#calls.size >= 2) {
      for (const attempt of due) attempt.renewing();
      return;
    }
    for (const batch of inBatches(due)) this.#send(batch);
  }

  #send(attempts: Attempt[]): void {
    const call = this.#renew(attempts).finally(() => this.#calls.delete(call));
    this.#calls.add(call);
  }

  async #renew(attempts: Attempt[]): Promise<void> {
    const { transporter, clock, leaseMs, log } = this.#options;
    const sentAt = clock.now();
    for (const attempt of attempts) attempt.renewing();
    try {
      const states = await transporter.renew(attempts.map(({ claimed: { id, fence } }) => ({ id, fence, leaseMs })));
      let place = 0;
      for (const attempt of attempts) {
        this.#answered(attempt, states[place], sentAt + leaseMs);
        place += 1;
      }
    } catch (thrown) {
      log({
        event: "service.error",
        service: "lease-keeper",
        failure: failureOf(thrown, "store_unavailable"),
        retryInMs: leaseMs / looksPerLease,
      });
    }
  }

  /** What the store has told the thread beside this loop. `leaseUntil` by the manager's clock. */
  heard(answers: readonly (Pick<Lease, "id" | "fence"> & { state: RenewState; leaseUntil: number })[]): void {
    const told = new Map(answers.map((answer) => [`${answer.id} ${answer.fence}`, answer]));
    for (const attempt of this.#options.runner.live) {
      const answer = told.get(`${attempt.claimed.id} ${attempt.claimed.fence}`);
      if (answer !== undefined) this.#answered(attempt, answer.state, answer.leaseUntil);
    }
  }

  #answered(attempt: Attempt, state: RenewState | undefined, leaseUntil: number): void {
    const { runner, guard } = this.#options;
    if (state === undefined) return;
    if (state === "lost") {
      // An attempt that has ended may be settled already: its settlement tells.
      if (attempt.ended) return;
      attempt.set("lost");
      runner.abort(attempt, "lease");
      return;
    }
    attempt.renewed(leaseUntil);
    guard.extend(attempt);
    if (state === "cancel") runner.abort(attempt, "cancel");
  }
}

function inBatches(attempts: Attempt[]): Attempt[][] {
  const count = Math.ceil(attempts.length / limits.batchJobsMax);
  return Array.from({ length: count }, (_, n) =>
    attempts.slice(n * limits.batchJobsMax, (n + 1) * limits.batchJobsMax),
  );
}
