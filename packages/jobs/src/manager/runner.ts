import type { JobId, Lane } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition } from "../core/request.ts";
import type { Process } from "../processes/process.ts";
import type { Claimed } from "../transporters/transporter.ts";
import { Attempt, type AttemptKind, type Hosting, type HostOptions } from "./attempt.ts";
import { settledWithin, type Clock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import type { AbortReason } from "./events.ts";
import type { LeaseGuard } from "./lease-guard.ts";
import type { OnStuck } from "./lease-protocol.ts";
import { LiveAttempts } from "./live-attempts.ts";
import type { Pace } from "./pace.ts";
import type { Settled, Settler } from "./settler.ts";
import { isTraced, traced } from "./tracing.ts";

export interface RunnerOptions extends HostOptions {
  definitions: ReadonlyMap<string, JobDefinition>;
  process: Process;
  settler: Settler;
  guard: Pick<LeaseGuard, "hold" | "begin" | "drop">;
  onStuck: OnStuck;
  slots: Readonly<Record<Lane, number>>;
  leaseMs: number;
  stopGraceMs: number;
  settleKeptMs: number;
  clock: Clock;
  onFreeSlot: () => void;
  /** A handler is called whose attempt the store counts as unstarted. */
  onUnmarked: (attempt: Attempt) => void;
  /** Resolves when the store has been told that it begins; `isMarked` says whether it knows. */
  mark: (attempt: Attempt) => Promise<void>;
}

/** How the claimer came by it. */
export interface Taking {
  /** By the manager's clock. */
  leaseUntil: number;
  /** Claimed to run at once. */
  isMarked: boolean;
  kind: AttemptKind;
}

/** One batch on its way to the store and one that gathers: a crash would repeat more work than that. */
const unsettledMax = 2 * limits.batchJobsMax;

/** Runs claimed jobs in the slots of their lanes (L8): from the claim, over timeout and abort (L9), to the settlement. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #live = new LiveAttempts();
  readonly #deadlines: Deadlines<Attempt>;
  readonly #occupied: Record<Lane, number> = { short: 0, long: 0 };
  /** One for all attempts. */
  readonly #hosting: Hosting;
  #idleWaiters: (() => void)[] = [];
  #settledWaiters: (() => void)[] = [];
  readonly #awaited = new Map<Attempt, () => void>();
  #unsettled = 0;
  #stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(this.#live, options.clock, (attempt) => this.#due(attempt));
    this.#hosting = {
      ...options,
      onEnded: (attempt, end) => this.#ended(attempt, end),
      onSettled: (attempt, settled) => this.#settled(attempt, settled),
    };
  }

  /** Attempts whose end the store has not taken yet, and those that wait for a slot: the lease keeper renews what has begun. */
  get live(): Iterable<Attempt> {
    return this.#live;
  }

  freeSlots(lane: Lane): number {
    // Ends that pile up unsettled are work done that a crash would repeat: no more is taken on meanwhile.
    if (this.#stopping || this.#options.settler.pending >= unsettledMax) return 0;
    return Math.max(0, this.#options.slots[lane] - this.#occupied[lane]);
  }

  /** Slots in use. */
  get occupied(): Record<Lane, number> {
    return { ...this.#occupied };
  }

  holds(id: JobId, fence: number): boolean {
    for (const { claimed } of this.#live) if (claimed.id === id && claimed.fence === fence) return true;
    return false;
  }

  start(): void {
    this.#stopping = false;
  }

  /** What attempts at jobs of this name have in common. Undefined: nothing here can run them. */
  kindOf(name: string, pace: Pace): AttemptKind | undefined {
    const definition = this.#options.definitions.get(name);
    return definition && { definition, pace, hosting: this.#hosting };
  }

  /** A claim is ours from here on, and has not begun. Undefined: the manager stops and it went back. */
  take(claimed: Claimed, { leaseUntil, isMarked, kind }: Taking): Attempt | undefined {
    const attempt = new Attempt({ claimed, kind, leaseUntil, isMarked });
    this.#live.add(attempt);
    this.#options.guard.hold(attempt);
    if (!this.#stopping) return attempt;
    // The claim was under way when the manager was stopped.
    this.giveBack(attempt);
    return undefined;
  }

  /** @param now by the manager's clock: one look at it is enough for all that begin together. */
  begin(attempt: Attempt, now: number): void {
    this.#occupied[attempt.claimed.lane] += 1;
    attempt.startedAt = Math.floor(now);
    attempt.dueAt = Math.ceil(now) + attempt.claimed.timeoutMs;
    this.#deadlines.told(attempt.dueAt);
    if (!attempt.isMarked && attempt.isLast) {
      void this.#runMarked(attempt);
      return;
    }
    if (!attempt.isMarked) this.#options.onUnmarked(attempt);
    this.#run(attempt);
  }

  /** It was never tried, and costs nothing (L4). */
  giveBack(attempt: Attempt): void {
    if (attempt.isWaiting) this.#settle(attempt, { kind: "deferred", delayMs: 0 });
  }

  /** Gives back what of these jobs waits here, and resolves when the store has it: what is done to them then meets a ready job. */
  async callBack(ids: readonly JobId[]): Promise<void> {
    const called = new Set(ids);
    const waiting = [...this.#live].filter(({ isWaiting, claimed }) => isWaiting && called.has(claimed.id));
    await Promise.all(
      waiting.map(
        (attempt) =>
          new Promise<void>((resolve) => {
            this.#awaited.set(attempt, resolve);
            this.giveBack(attempt);
          }),
      ),
    );
  }

  /** Asks these jobs' handlers to end, where they run here. */
  cancel(ids: readonly JobId[]): void {
    const cancelled = new Set(ids);
    for (const attempt of this.#live) if (cancelled.has(attempt.claimed.id)) this.abort(attempt, "cancel");
  }

  abort(attempt: Attempt, reason: AbortReason): void {
    const { clock, log, abortGraceMs } = this.#options;
    if (attempt.isWaiting) {
      this.giveBack(attempt);
      return;
    }
    if (!attempt.abort(reason)) return;
    log({ event: "attempt.aborted", reason, ...attempt.called });
    // Isolated ones are ended by their process (L9).
    attempt.dueAt = undefined;
    if (attempt.definition.process !== "inline") return;
    attempt.dueAt = Math.ceil(clock.now()) + abortGraceMs;
    this.#deadlines.told(attempt.dueAt);
  }

  /**
   * Gives back what waits, lets running attempts end for `stopGraceMs`, then aborts them and defers them (L4). A handler that does
   * not end even then is given back too, but not before a lease's time, in which its process should be gone.
   *
   * @returns how many handlers run on.
   */
  async stop(): Promise<number> {
    const { clock, stopGraceMs, abortGraceMs, leaseMs } = this.#options;
    this.#stopping = true;
    for (const attempt of this.#live) this.giveBack(attempt);
    if (await settledWithin(this.#idle(), stopGraceMs, clock)) return this.#stopped(0);
    for (const attempt of this.#live) this.abort(attempt, "stop");
    await settledWithin(this.#idle(), abortGraceMs, clock);
    const abandoned = [...this.#live].filter(({ ended }) => !ended);
    for (const attempt of abandoned) this.#settle(attempt, { kind: "deferred", delayMs: leaseMs });
    await settledWithin(this.settlements(), abortGraceMs, clock);
    return this.#stopped(abandoned.length);
  }

  /** Resolves when every end handed over so far is answered or given up on. */
  async settlements(): Promise<void> {
    if (this.#unsettled > 0) await new Promise<void>((resolve) => this.#settledWaiters.push(resolve));
  }

  #stopped(abandoned: number): number {
    this.#deadlines.stop();
    return abandoned;
  }

  /**
   * With no attempt after this one, a death of this manager must not give it another (L10, L13): the store knows that it begins before
   * it does. Where it cannot be told, it was not tried (L4).
   */
  async #runMarked(attempt: Attempt): Promise<void> {
    await this.#options.mark(attempt);
    if (attempt.isMarked && !attempt.ended) {
      this.#run(attempt);
      return;
    }
    this.#occupied[attempt.claimed.lane] -= 1;
    if (!attempt.ended) this.#settle(attempt, { kind: "deferred", delayMs: 0 });
    this.#options.onFreeSlot();
  }

  /** No promise of its own: tens of thousands run at a time. */
  #run(attempt: Attempt): void {
    const { claimed } = attempt;
    const options = this.#options;
    options.log({
      event: "attempt.started",
      jobId: claimed.id,
      name: claimed.name,
      fence: claimed.fence,
    });
    if (!isTraced()) {
      options.process.run(attempt);
      return;
    }
    const end = traced(claimed, (ended) => {
      attempt.kind = { ...attempt.kind, hosting: { ...this.#hosting, onEnded: (_, told) => ended(told) } };
      options.process.run(attempt);
    });
    void end.then((told) => this.#ended(attempt, told));
  }

  /** Its handler has ended. */
  #ended(attempt: Attempt, end: AttemptEnd): void {
    this.#occupied[attempt.claimed.lane] -= 1;
    attempt.kind.pace?.count();
    // The stop has given it back already.
    if (!attempt.ended) this.#settle(attempt, attempt.endAfterAbort(end));
    this.#options.onFreeSlot();
  }

  #settle(attempt: Attempt, end: AttemptEnd): void {
    attempt.set("ended");
    attempt.dueAt = undefined;
    if (attempt.lost) {
      this.#over(attempt, { state: "refused", why: "fence" });
      return;
    }
    attempt.end = end;
    this.#unsettled += 1;
    this.#options.settler.hand(attempt);
  }

  #settled(attempt: Attempt, settled: Settled): void {
    const { settler, onFreeSlot } = this.#options;
    this.#unsettled -= 1;
    this.#over(attempt, settled);
    // Slots that stood empty for the sake of what was unsettled.
    if (settler.pending === unsettledMax - 1) onFreeSlot();
    if (this.#unsettled > 0 || this.#settledWaiters.length === 0) return;
    const waiters = this.#settledWaiters;
    this.#settledWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #over(attempt: Attempt, settled: Settled): void {
    const { guard, log } = this.#options;
    this.#live.delete(attempt);
    guard.drop(attempt);
    if (this.#awaited.size > 0) {
      this.#awaited.get(attempt)?.();
      this.#awaited.delete(attempt);
    }
    if (this.#live.size === 0 && this.#idleWaiters.length > 0) {
      const waiters = this.#idleWaiters;
      this.#idleWaiters = [];
      for (const resolve of waiters) resolve();
    }
    if (settled.state === "refused") log({ event: "attempt.refused", why: settled.why, ...attempt.called });
    if (settled.state !== "applied") return;
    const { outcome } = settled;
    const { id: jobId, name, fence } = attempt.claimed;
    if (outcome.kind === "processed") {
      log({ event: "attempt.settled", outcome: "processed", jobId, name, fence });
      return;
    }
    log({
      event: "attempt.settled",
      outcome: outcome.kind,
      ...("cause" in outcome ? { cause: outcome.cause } : {}),
      ...("failure" in outcome && outcome.failure !== undefined ? { failure: outcome.failure } : {}),
      jobId,
      name,
      fence,
    });
  }

  /** Its timeout has come, or, asked to end already, the end of its grace. */
  #due(attempt: Attempt): void {
    const { log, onStuck } = this.#options;
    const reason = attempt.abortReason;
    attempt.dueAt = undefined;
    if (reason === undefined) {
      this.abort(attempt, "timeout");
      return;
    }
    log({ event: "attempt.stuck", reason, ...attempt.called });
    // Its leases run out and its jobs are rescued elsewhere. A manager that stops gives up on it anyway.
    if (onStuck === "exit" && reason !== "stop") process.exit(1);
  }

  /** Resolves when nothing runs and everything is settled. */
  async #idle(): Promise<void> {
    if (this.#live.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }
}
