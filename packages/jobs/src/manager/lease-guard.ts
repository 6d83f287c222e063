import { Worker } from "node:worker_threads";
import type { JobFailure } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { RemoteRenewal, Transporter } from "../transporters/transporter.ts";
import type { Attempt } from "./attempt.ts";
import { settledWithin, type Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import { PermitTable } from "./lease-permits.ts";
import type { FromLeaseThread, KeptLeases, LeaseThreadData, OnStuck, ToLeaseThread } from "./lease-protocol.ts";
import { LeaseTable, sharedNowUs } from "./lease-table.ts";

export interface LeaseGuardOptions {
  transporter: Pick<Transporter, "remote">;
  /** Attempts that can be guarded at once. */
  rows: number;
  leaseMs: number;
  abortGraceMs: number;
  onStuck: OnStuck;
  clock: Clock;
  log: Log;
}

/** In a checkout the thread runs from TypeScript, in an installed package from what was built. */
const threadUrl = new URL(import.meta.url.endsWith(".ts") ? "./lease-thread.ts" : "./lease-thread.js", import.meta.url);

/** What was claimed and has not begun goes back when the event loop has been blocked for so long (L9). */
const unstartedMsMax = 5_000;

/** It holds a table and a connection: V8's own choice of a young generation would be most of its memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 } as const;

/**
 * Keeps the leases of attempts and permits whose event loop is blocked (L9, L12): the thread beside it renews what this loop is
 * late for. The loop's own rules stand: the lease keeper aborts what nobody could renew (L3).
 *
 * The thread is started with the first table that it is to keep: the attempts' with the manager, a scope's of permits before the first
 * is asked for. One that dies is reported and started again after a lease's time. It does not keep the program alive.
 */
export class LeaseGuard {
  readonly #options: LeaseGuardOptions;
  readonly #table: LeaseTable;
  /** Both clocks are monotonic: they are compared once in a while, not for each attempt. */
  #offsetUs = 0;
  #keeper: Pick<LeaseKeeper, "heard"> | undefined;
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  readonly #kept = new Map<number, KeptLeases>();
  #lastNumber = 0;
  #stopped = true;
  #cancelRestart: (() => void) | undefined;

  constructor(options: LeaseGuardOptions) {
    this.#options = options;
    this.#table = new LeaseTable({ rows: options.rows });
  }

  /** Resolves when the thread can renew, or has said why it cannot: the event loop's own renewals go on without it. */
  async start(keeper: Pick<LeaseKeeper, "heard">): Promise<void> {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#keeper = keeper;
    this.beat();
    const { remote } = this.#options.transporter;
    if (remote !== undefined) await this.#keep({ of: "attempts", table: this.#table.buffer, remote });
  }

  /**
   * A table for permits that the thread keeps until `stop`; resolves when it does, or has said why it cannot. `remote`: of the store that
   * grants them.
   */
  async permits(remote: RemoteRenewal): Promise<PermitTable> {
    const table = new PermitTable();
    await this.#keep({ of: "permits", table: table.buffer, remote });
    return table;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#kept.clear();
    this.#cancelRestart?.();
    this.#cancelRestart = undefined;
    const worker = this.#worker;
    if (worker === undefined) return;
    tell(worker, "close");
    if (!(await settledWithin(this.#exited, this.#options.abortGraceMs, this.#options.clock))) await worker.terminate();
  }

  hold(attempt: Attempt): void {
    const { claimed, definition, leaseUntil, isMarked } = attempt;
    const { leaseMs, abortGraceMs } = this.#options;
    const startAtMost = leaseUntil - leaseMs + (isMarked ? 0 : limits.prefetchKeptMs);
    const stuckAt = startAtMost + claimed.timeoutMs + abortGraceMs;
    attempt.leaseRow = this.#table.hold({
      id: claimed.id,
      fence: claimed.fence,
      version: claimed.version,
      untilUs: this.#sharedUs(leaseUntil),
      stuckAtUs: definition.process === "inline" ? this.#sharedUs(stuckAt) : undefined,
    });
  }

  /** The attempt's handler is about to be called. False: it has been given back, and another may have it. */
  begin({ leaseRow }: Attempt): boolean {
    return leaseRow === undefined || this.#table.begin(leaseRow);
  }

  extend({ leaseRow, leaseUntil }: Attempt): void {
    if (leaseRow !== undefined) this.#table.extend(leaseRow, this.#sharedUs(leaseUntil));
  }

  drop(attempt: Attempt): void {
    if (attempt.leaseRow !== undefined) this.#table.drop(attempt.leaseRow);
    attempt.leaseRow = undefined;
  }

  /** The event loop turns. */
  beat(): void {
    this.#offsetUs = sharedNowUs() - this.#options.clock.now() * 1_000;
    this.#table.beat();
  }

  /** The shared clock's µs for an instant of the manager's clock. */
  #sharedUs(at: number): number {
    return at * 1_000 + this.#offsetUs;
  }

  /** Resolves when the thread keeps it, or has said why it cannot. */
  async #keep(leases: Omit<KeptLeases, "number">): Promise<void> {
    const number = ++this.#lastNumber;
    this.#kept.set(number, { ...leases, number });
    // Between its death and its restart it is told with all the others.
    if (this.#cancelRestart !== undefined) return;
    const isNew = this.#worker === undefined;
    const worker = (this.#worker ??= this.#open());
    const kept = new Promise<void>((resolve) => {
      const heard = (message: FromLeaseThread): void => {
        if (("kept" in message && message.kept === number) || "failed" in message) resolve();
      };
      worker.on("message", heard);
      worker.once("exit", () => resolve());
    });
    if (!isNew) tell(worker, { keep: { ...leases, number } });
    worker.ref();
    await kept;
    worker.unref();
  }

  #open(): Worker {
    const { leaseMs, onStuck } = this.#options;
    const workerData: LeaseThreadData = { leaseMs, unstartedMs: Math.min(unstartedMsMax, leaseMs / 2), onStuck };
    // No flags of the program: its loaders and conditions are not this thread's business.
    const worker = new Worker(threadUrl, { workerData, execArgv: [], name: "provost-jobs-leases", resourceLimits });
    this.#exited = new Promise((resolve) => worker.once("exit", () => resolve()));
    worker.on("message", (message: FromLeaseThread) => {
      if ("renewed" in message) this.#renewed(message.renewed);
      else if ("givenBack" in message) this.#options.log({ event: "claims.given-back", claims: message.givenBack });
      else if ("failed" in message) this.#failed(message.failed);
    });
    worker.once("error", (error) => this.#failed({ code: "store_unavailable", message: error.message }));
    worker.once("exit", () => this.#ended(worker));
    for (const leases of this.#kept.values()) tell(worker, { keep: leases });
    return worker;
  }

  #renewed(renewed: Extract<FromLeaseThread, { renewed: unknown }>["renewed"]): void {
    const ago = this.#options.clock.now() - sharedNowUs() / 1_000;
    const answers = renewed.map(({ untilUs, ...lease }) => ({ ...lease, leaseUntil: ago + untilUs / 1_000 }));
    this.#keeper?.heard(answers);
  }

  #failed(failure: JobFailure): void {
    const { log, leaseMs } = this.#options;
    log({ event: "service.error", service: "lease-guard", failure, retryInMs: leaseMs });
  }

  #ended(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
    if (this.#kept.size === 0) return;
    this.#cancelRestart = this.#options.clock.after(this.#options.leaseMs, () => {
      this.#cancelRestart = undefined;
      this.#worker = this.#open();
      this.#worker.unref();
    });
  }
}

function tell(worker: Worker, message: ToLeaseThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(message);
}
