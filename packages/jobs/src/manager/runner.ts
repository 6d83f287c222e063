import type { FlowFailure } from "../core/context.ts";
import { jobFailure } from "../core/failure.ts";
import type { FlowBuilder } from "../core/flow.ts";
import type { JobId, Lane } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition, JobRequest } from "../core/request.ts";
import { attemptAtomicity } from "../memory/atomicity.ts";
import type { ManagerScopes } from "../memory/manager-scopes.ts";
import type { AttemptHost, Process } from "../processes/process.ts";
import type { Claimed, NewItem, Transporter } from "../transporters/transporter.ts";
import { Attempt } from "./attempt.ts";
import { settledWithin, timerMsMax, type Clock } from "./clock.ts";
import type { AbortReason, Log } from "./events.ts";
import type { LeaseGuard } from "./lease-guard.ts";
import type { OnStuck } from "./lease-protocol.ts";
import type { ProgressKeeper } from "./progress-keeper.ts";
import type { Settled, Settler } from "./settler.ts";
import { traced } from "./tracing.ts";

export interface RunnerOptions {
  transporter: Pick<Transporter, "flow" | "list" | "now">;
  progress: Pick<ProgressKeeper, "report">;
  definitions: ReadonlyMap<string, JobDefinition>;
  process: Process;
  settler: Settler;
  guard: Pick<LeaseGuard, "hold" | "begin" | "drop">;
  onStuck: OnStuck;
  slots: Readonly<Record<Lane, number>>;
  leaseMs: number;
  stopGraceMs: number;
  abortGraceMs: number;
  settleKeptMs: number;
  memory: Pick<ManagerScopes, "scopes">;
  clock: Clock;
  log: Log;
  prepare: (item: JobRequest | FlowBuilder) => Promise<NewItem>;
  onFreeSlot: (lane: Lane) => void;
}

/** Runs claimed jobs in the slots of their lanes (L8): from the claim, over timeout and abort (L9), to the settlement. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #live = new Set<Attempt>();
  readonly #settlements = new Set<Promise<void>>();
  readonly #occupied: Record<Lane, number> = { short: 0, long: 0 };
  readonly #idleWaiters: (() => void)[] = [];
  #stopping = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Attempts whose end the store has not taken yet: the lease keeper renews them. */
  get live(): ReadonlySet<Attempt> {
    return this.#live;
  }

  freeSlots(lane: Lane): number {
    // Ends that pile up unsettled are work done that a crash would repeat: no more is taken on meanwhile.
    if (this.#stopping || this.#options.settler.pending >= limits.batchJobsMax) return 0;
    return Math.max(0, this.#options.slots[lane] - this.#occupied[lane]);
  }

  holds(id: JobId, fence: number): boolean {
    for (const { claimed } of this.#live) if (claimed.id === id && claimed.fence === fence) return true;
    return false;
  }

  start(): void {
    this.#stopping = false;
  }

  /** @param leaseUntil by the manager's clock. */
  begin(claimed: Claimed, leaseUntil: number): void {
    const definition = this.#options.definitions.get(claimed.name);
    if (definition === undefined) return;
    const attempt = new Attempt(claimed, definition, this.#options.clock.now(), leaseUntil);
    this.#live.add(attempt);
    this.#options.guard.hold(attempt);
    if (this.#stopping) {
      // The claim was under way when the manager was stopped: it was never tried (L4).
      this.#settle(attempt, { kind: "deferred", delayMs: 0 });
      return;
    }
    this.#occupied[claimed.lane] += 1;
    this.#options.log({ event: "attempt.started", ...attempt.called });
    this.#armTimeout(attempt);
    void this.#run(attempt);
  }

  /** Asks these jobs' handlers to end, where they run here. */
  cancel(ids: readonly JobId[]): void {
    const cancelled = new Set(ids);
    for (const attempt of this.#live) if (cancelled.has(attempt.claimed.id)) this.abort(attempt, "cancel");
  }

  abort(attempt: Attempt, reason: AbortReason): void {
    if (!attempt.abort(reason)) return;
    const { clock, log, abortGraceMs, onStuck } = this.#options;
    log({ event: "attempt.aborted", reason, ...attempt.called });
    attempt.cancelTimer?.();
    // Isolated ones are ended by their process (L9).
    if (attempt.definition.process !== "inline") return;
    attempt.cancelTimer = clock.after(abortGraceMs, () => {
      log({ event: "attempt.stuck", reason, ...attempt.called });
      // Its leases run out and its jobs are rescued elsewhere. A manager that stops gives up on it anyway.
      if (onStuck === "exit" && reason !== "stop") process.exit(1);
    });
  }

  /**
   * Lets running attempts end for `stopGraceMs`, then aborts them and defers them (L4). A handler that does not end even then
   * is given back too, but not before a lease's time, in which its process should be gone.
   *
   * @returns how many handlers run on.
   */
  async stop(): Promise<number> {
    const { clock, stopGraceMs, abortGraceMs, leaseMs } = this.#options;
    this.#stopping = true;
    if (await settledWithin(this.#idle(), stopGraceMs, clock)) return 0;
    for (const attempt of this.#live) this.abort(attempt, "stop");
    await settledWithin(this.#idle(), abortGraceMs, clock);
    const abandoned = [...this.#live].filter(({ ended }) => !ended);
    for (const attempt of abandoned) this.#settle(attempt, { kind: "deferred", delayMs: leaseMs });
    await settledWithin(this.settlements(), abortGraceMs, clock);
    return abandoned.length;
  }

  /** Resolves when every end handed over so far is answered or given up on. */
  async settlements(): Promise<void> {
    await Promise.all(this.#settlements);
  }

  async #run(attempt: Attempt): Promise<void> {
    const { claimed, definition } = attempt;
    const host = this.#host(attempt);
    const end = await traced(claimed, () => this.#options.process.run(definition, claimed, host));
    this.#occupied[claimed.lane] -= 1;
    // The stop has given it back already.
    if (!attempt.ended) this.#settle(attempt, attempt.endAfterAbort(end));
    this.#options.onFreeSlot(claimed.lane);
  }

  #settle(attempt: Attempt, end: AttemptEnd): void {
    const { settler, clock, settleKeptMs } = this.#options;
    attempt.ended = true;
    attempt.cancelTimer?.();
    if (attempt.lost) {
      this.#over(attempt, { state: "refused", why: "fence" });
      return;
    }
    const giveUpAt = clock.now() + settleKeptMs;
    const settlement = settler
      .settle({ job: attempt.claimed, end, rules: attempt.definition.rules, giveUpAt })
      .then((settled) => {
        this.#settlements.delete(settlement);
        this.#over(attempt, settled);
      });
    this.#settlements.add(settlement);
  }

  #over(attempt: Attempt, settled: Settled): void {
    this.#live.delete(attempt);
    this.#options.guard.drop(attempt);
    if (this.#live.size === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    if (settled.state === "refused") {
      this.#options.log({ event: "attempt.refused", why: settled.why, ...attempt.called });
    }
    if (settled.state !== "applied") return;
    const { outcome } = settled;
    this.#options.log({
      event: "attempt.settled",
      outcome: outcome.kind,
      ...("cause" in outcome ? { cause: outcome.cause } : {}),
      ...("failure" in outcome && outcome.failure !== undefined ? { failure: outcome.failure } : {}),
      ...attempt.called,
    });
  }

  /** Timeouts can be longer than one timer. */
  #armTimeout(attempt: Attempt): void {
    const { clock } = this.#options;
    const leftMs = attempt.startedAt + attempt.claimed.timeoutMs - clock.now();
    if (leftMs <= 0) this.abort(attempt, "timeout");
    else attempt.cancelTimer = clock.after(Math.min(leftMs, timerMsMax), () => this.#armTimeout(attempt));
  }

  #host(attempt: Attempt): AttemptHost {
    return {
      signal: attempt.signal,
      begin: () => {
        // Given back while this loop was blocked: the job is another's now, and this attempt nothing.
        attempt.lost ||= !this.#options.guard.begin(attempt);
        return !attempt.lost;
      },
      atomicity: attemptAtomicity(this.#options.memory.scopes, attempt.signal),
      graceMs: this.#options.abortGraceMs,
      now: () => this.#options.transporter.now(),
      prepare: this.#options.prepare,
      flowFailure: () => this.#flowFailure(attempt.claimed.flowId),
      resultsOf: (name) => this.#resultsOf(attempt.claimed.flowId, name),
      progress: (value) => {
        const { id, fence } = attempt.claimed;
        if (!attempt.ended) this.#options.progress.report({ id, fence, value });
      },
      log: (message, fields) => this.#options.log({ event: "job.log", message, fields, ...attempt.called }),
      output: (stream, line) => this.#options.log({ event: "job.output", stream, line, ...attempt.called }),
      ending: (by) => this.#options.log({ event: "attempt.ending", by, ...attempt.called }),
    };
  }

  async #flowFailure(flowId: JobId | undefined): Promise<FlowFailure | undefined> {
    const flow = flowId === undefined ? undefined : await this.#options.transporter.flow(flowId);
    if (flow?.status !== "failed" && flow?.status !== "cancelled") return undefined;
    return {
      status: flow.status,
      failure: flow.failure ?? jobFailure("cancelled", `flow ${flow.id} was cancelled`),
      jobId: flow.failedJobId,
    };
  }

  /** Results of the flow's processed jobs of this name, as JSON text, in the order of their ids. */
  async #resultsOf(flowId: JobId | undefined, name: string): Promise<(string | undefined)[]> {
    if (flowId === undefined) return [];
    const results: (string | undefined)[] = [];
    for (let after = "0"; ;) {
      const query = { flowId, name, status: "processed", limit: limits.batchJobsMax } as const;
      const page = await this.#options.transporter.list({ ...query, after });
      for (const { result } of page) results.push(result);
      after = page.at(-1)?.id ?? after;
      if (page.length < limits.batchJobsMax) return results;
    }
  }

  /** Resolves when nothing runs and everything is settled. */
  async #idle(): Promise<void> {
    if (this.#live.size > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }
}
