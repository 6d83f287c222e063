import type { FlowBuilder } from "../core/flow.ts";
import type { JobRequest } from "../core/request.ts";
import { isIsolated } from "../processes/isolation.ts";
import { Processes } from "../processes/processes.ts";
import type { ManagerAsked, ManagerBeat, ManagerFacts } from "../transporters/sight.ts";
import { ManagerScopes } from "../memory/manager-scopes.ts";
import type { NewItem, Transporter } from "../transporters/transporter.ts";
import { JobsError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { isSchedule } from "../core/schedule.ts";
import { hostname } from "node:os";
import { Claimer } from "./claimer.ts";
import { settledWithin } from "./clock.ts";
import { Herald } from "./herald.ts";
import { Leader } from "./leader.ts";
import { LeaseGuard } from "./lease-guard.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { ManagerSettings } from "./options.ts";
import { LogKeeper } from "./log-keeper.ts";
import { MinuteKeeper } from "./minute-keeper.ts";
import { ProgressKeeper } from "./progress-keeper.ts";
import { Promoter } from "./promoter.ts";
import { Pruner } from "./pruner.ts";
import type { Registry } from "./registry.ts";
import { Rescuer } from "./rescuer.ts";
import { Runner } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";
import { type Applied, Settler } from "./settler.ts";
import type { Watcher } from "./watcher.ts";

/** Isolated processes are killed, which none refuses: only a host in trouble takes as long as this. */
const goneMsMax = 5_000;

export interface ServicesOptions {
  manager: string;
  transporter: Transporter;
  registry: Registry;
  settings: ManagerSettings;
  watcher: Watcher;
  prepare: (item: JobRequest | FlowBuilder) => Promise<NewItem>;
  /** It was asked to stop, by hand and over the store. */
  onStopAsked: () => void;
}

/** The parts of a manager, wired: who wakes whom, and in which order they start and stop. */
export class Services {
  readonly runner: Runner;
  readonly claimer: Claimer;
  readonly scheduler: Scheduler;
  readonly #options: ServicesOptions;
  /** Semaphores and shared memory (L12). */
  readonly memory: ManagerScopes;
  readonly #settler: Settler;
  readonly #processes: Processes;
  readonly #leaseGuard: LeaseGuard;
  readonly #leaseKeeper: LeaseKeeper;
  readonly #promoter: Promoter;
  readonly #rescuer: Rescuer;
  readonly #leader: Leader;
  readonly #pruner: Pruner;
  readonly #herald: Herald;
  readonly #progress: ProgressKeeper;
  readonly #minutes: MinuteKeeper;
  /** What jobs tell and print. */
  readonly logs: LogKeeper;
  #asked: ManagerAsked = "run";
  #running = false;
  #hearing: (() => void) | undefined;
  #changing: Promise<void> = Promise.resolve();

  constructor(options: ServicesOptions) {
    const { transporter, registry, settings, manager } = options;
    const shared = { ...settings, transporter };
    this.#options = options;
    const { short, long } = settings.slots;
    // Twice the slots: those whose ends the store has not taken yet are guarded too, and those that wait for a slot.
    const rows = 2 * (short + long + limits.batchJobsMax) + limits.prefetchJobsMax;
    this.#leaseGuard = new LeaseGuard({ ...shared, rows });
    this.memory = new ManagerScopes({ ...shared, guard: this.#leaseGuard });
    this.#settler = new Settler({ ...shared, onApplied: (applied) => this.#applied(applied) });
    this.#processes = new Processes({
      ...shared,
      memory: this.memory,
      definitions: registry.definitions,
      onFree: () => this.claimer.freeSlot(),
    });
    this.#progress = new ProgressKeeper(shared);
    this.#leader = new Leader({ ...shared, manager, leaseMs: settings.seatMs, onElected: () => this.#elected() });
    const led = { ...shared, leader: this.#leader };
    this.#pruner = new Pruner(led);
    this.#minutes = new MinuteKeeper({ ...shared, manager, leader: this.#leader });
    this.logs = new LogKeeper(shared);
    const beat = beatOf(manager, registry, settings);
    this.#herald = new Herald({
      ...shared,
      beat: () => ({ ...beat, facts: this.#facts() }),
      onAsked: (asked) => this.#ask(asked),
    });
    this.runner = new Runner({
      ...shared,
      progress: this.#progress,
      guard: this.#leaseGuard,
      definitions: registry.definitions,
      process: this.#processes,
      memory: this.memory,
      settler: this.#settler,
      prepare: options.prepare,
      onFreeSlot: () => this.claimer.freeSlot(),
      onUnmarked: (attempt) => this.#leaseKeeper.began(attempt),
      mark: (attempt) => this.#leaseKeeper.mark(attempt),
    });
    this.claimer = new Claimer({ ...shared, registry, runner: this.runner, processes: this.#processes, manager });
    this.#leaseKeeper = new LeaseKeeper({ ...shared, runner: this.runner, guard: this.#leaseGuard });
    this.#promoter = new Promoter({ ...led, onPromoted: () => this.claimer.hint() });
    this.#rescuer = new Rescuer({
      ...led,
      settler: this.#settler,
      runner: this.runner,
      definitions: registry.definitions,
      everyMs: settings.rescueEveryMs,
    });
    this.scheduler = new Scheduler({
      ...led,
      schedules: [...registry.definitions.values()].filter(isSchedule),
      onFired: () => this.claimer.hint(),
    });
  }

  start(): Promise<void> {
    return this.#change(() => this.#start());
  }

  stop(): Promise<void> {
    return this.#change(() => this.#stop());
  }

  /** New jobs of this manager's own: hints of the store may be lost. */
  enqueued(items: readonly NewItem[]): void {
    const ready = new Set<string>();
    for (const item of items) {
      const jobs = "job" in item ? [item.job] : item.flow.jobs;
      for (const { delayMs, queue } of jobs) {
        if (delayMs > 0) this.#promoter.delayed(delayMs);
        else ready.add(queue);
      }
    }
    if (ready.size > 0) this.claimer.hint([...ready]);
  }

  /** Something may have been asked of this manager just now. */
  heed(): void {
    this.#herald.wake();
  }

  #ask(asked: ManagerAsked): void {
    if (asked === this.#asked) return;
    const { settings, manager, onStopAsked } = this.#options;
    this.#asked = asked;
    settings.log({ event: "manager.asked", manager, asked });
    if (asked === "stop") onStopAsked();
    else if (asked === "quiet") void this.claimer.stop({ giveBack: true });
    else if (this.#running) this.claimer.start();
  }

  #facts(): ManagerFacts {
    const { settings } = this.#options;
    return {
      host: hostname(),
      pid: process.pid,
      rssBytes: process.memoryUsage.rss(),
      slots: settings.slots,
      running: this.runner.occupied,
      quiet: this.#asked !== "run",
    };
  }

  /** One start or stop at a time, in the order they were called. */
  #change(change: () => Promise<void>): Promise<void> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => undefined);
    return changed;
  }

  async #start(): Promise<void> {
    if (this.#running) return;
    const { transporter, registry, settings, manager } = this.#options;
    if (registry.names.length > 0 && isIsolated()) {
      throw new JobsError(
        "invalid_definition",
        "a module with isolated jobs starts a manager when it is loaded: put the jobs in a module of their own",
      );
    }
    await transporter.start();
    this.memory.start();
    await this.scheduler.define();
    await this.#processes.start();
    this.#running = true;
    this.#asked = "run";
    this.#settler.start();
    this.runner.start();
    // Before the first claim: a job may block this loop from its first moment on.
    if (registry.names.length > 0) await this.#leaseGuard.start(this.#leaseKeeper);
    this.#leaseKeeper.start();
    this.#promoter.start();
    this.#rescuer.start();
    this.#leader.start();
    this.scheduler.start();
    this.#progress.start();
    this.logs.start();
    await this.#minutes.start();
    this.#pruner.start();
    this.#herald.start();
    this.claimer.start();
    this.#hearing = transporter.onDeaf?.(() => settings.log({ event: "store.deaf", manager, pollMs: settings.pollMs }));
    settings.log({ event: "manager.started", manager });
  }

  /** Leases are kept until the last attempt is given back; every wait is bounded, a store that hangs included. */
  async #stop(): Promise<void> {
    const { settings, manager } = this.#options;
    const { clock, abortGraceMs } = settings;
    if (!this.#running) {
      // Semaphores work before the start.
      await settledWithin(this.memory.stop(), abortGraceMs, clock);
      await this.#leaseGuard.stop();
      return;
    }
    this.#running = false;
    this.#hearing?.();
    const clockwork = [this.scheduler.stop(), this.#leader.stop(), this.#pruner.stop(), this.#herald.stop()];
    const finding = Promise.all([this.claimer.stop(), this.#promoter.stop(), this.#rescuer.stop(), ...clockwork]);
    // Not awaited first: a claim that hangs is no reason to let running jobs go on.
    const abandoned = await this.runner.stop();
    await settledWithin(finding, abortGraceMs, clock);
    // A claim that was under way has been given back by now.
    this.#settler.stop();
    await settledWithin(Promise.all([this.#leaseKeeper.stop(), this.runner.settlements()]), abortGraceMs, clock);
    const told = [this.#progress.stop(), this.logs.stop(), this.#minutes.stop(), this.#options.watcher.stop()];
    await settledWithin(Promise.all(told), abortGraceMs, clock);
    await settledWithin(this.#processes.stop(), goneMsMax, clock);
    await settledWithin(this.memory.stop(), abortGraceMs, clock);
    await this.#leaseGuard.stop();
    settings.log({ event: "manager.stopped", manager, abandoned });
  }

  /** What the last leader may have left undone is done at once. */
  #elected(): void {
    for (const service of [this.scheduler, this.#promoter, this.#rescuer, this.#pruner]) service.wake();
  }

  #applied(applied: readonly Applied[]): void {
    this.#minutes.count(applied);
    let ready = false;
    for (const { job, outcome } of applied) {
      const delayMs = outcome.kind === "retry" || outcome.kind === "defer" ? outcome.delayMs : 0;
      if (delayMs > 0) this.#promoter.delayed(delayMs);
      // A gate may have opened, a wake may have been waiting for the release, a job may be back at once.
      const back = outcome.kind === "retry" || outcome.kind === "defer";
      if (job.flowId !== undefined || (back && (delayMs === 0 || outcome.wakeKey !== undefined))) ready = true;
      if (outcome.kind === "processed" && outcome.enqueue !== undefined) this.enqueued(outcome.enqueue);
    }
    if (ready) this.claimer.hint();
    this.#options.watcher.settled(applied.map(({ job }) => job));
  }
}

/** The lines that this manager has slots for. */
function beatOf(id: string, registry: Registry, { slots }: ManagerSettings): ManagerBeat {
  const lines = new Map(registry.served.map(({ queue, lane }) => [`${lane} ${queue}`, { queue, lane }]));
  return { id, names: registry.names, lines: [...lines.values()].filter(({ lane }) => slots[lane] > 0) };
}
