import { JobsError } from "../core/errors.ts";
import { failureOf } from "../core/failure.ts";
import type { ProcessKind } from "../core/job.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition } from "../core/request.ts";
import type { Clock } from "../manager/clock.ts";
import type { Log } from "../manager/events.ts";
import type { PermitLost } from "../memory/channel.ts";
import type { IsolatedMemory } from "../memory/manager-scopes.ts";
import type { Carrier } from "./carrier.ts";
import { IsolatedProcess } from "./isolated.ts";
import type { PoolSettings } from "./options.ts";
import type { AttemptHost } from "./process.ts";

export interface PoolWiring {
  kind: Exclude<ProcessKind, "inline">;
  settings: PoolSettings;
  open: (memoryMb: number) => Carrier;
  connect: (tell: (lost: PermitLost) => void) => IsolatedMemory;
  clock: Clock;
  log: Log;
  /** A place is free again that was not when its attempt ended. */
  onFree: () => void;
}

/** How long what could not be started is left alone. */
const startRetryMs = 1_000;

/**
 * Isolated processes of one kind: at most `max`, at least `min` warm, the one used last first, so that those not needed grow
 * old and end. A place is taken for as long as its process exists with work, or is being replaced.
 */
export class Pool {
  readonly #options: PoolWiring;
  readonly #idle: { process: IsolatedProcess; cancelTimer: () => void }[] = [];
  readonly #all = new Set<IsolatedProcess>();
  readonly #waiting: (() => void)[] = [];
  #taken = 0;
  #stopped = true;
  #cancelWarm: (() => void) | undefined;

  constructor(options: PoolWiring) {
    this.#options = options;
  }

  /** Attempts that can begin now. */
  get free(): number {
    return Math.max(0, this.#options.settings.max - this.#taken - this.#waiting.length);
  }

  start(): void {
    this.#stopped = false;
    this.#warm();
  }

  /** Ends all, with what they still run; resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWarm?.();
    for (const { cancelTimer } of this.#idle.splice(0)) cancelTimer();
    // What waited for a place was not tried: it finds the pool stopped.
    for (const wake of this.#waiting.splice(0)) wake();
    const all = [...this.#all];
    for (const process of all) process.kill();
    await Promise.all(all.map(({ gone }) => gone));
  }

  /** Loads the job's module in one of these processes. @throws JobsError `invalid_definition`. */
  async check(definition: JobDefinition): Promise<void> {
    const process = await this.#take();
    try {
      await process.load(definition.module ?? "", definition.name);
    } finally {
      this.#giveBack(process);
    }
  }

  /** Never rejects. What could not be started was not tried: it is deferred (L4). */
  async run(host: AttemptHost): Promise<AttemptEnd> {
    let process: IsolatedProcess;
    try {
      process = await this.#take();
    } catch (thrown) {
      this.#failed(thrown);
      return { kind: "deferred", delayMs: startRetryMs };
    }
    const end = await process.run(host);
    this.#giveBack(process);
    return end;
  }

  async #take(): Promise<IsolatedProcess> {
    // The claimer asks for no more than there are places; who comes by another way waits for one.
    while (this.#taken >= this.#options.settings.max && !this.#stopped) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#taken += 1;
    try {
      for (;;) {
        const idle = this.#idle.pop();
        if (idle === undefined) return await this.#open();
        idle.cancelTimer();
        if (!idle.process.isDead) return idle.process;
      }
    } catch (thrown) {
      this.#freePlace();
      throw thrown;
    }
  }

  async #open(): Promise<IsolatedProcess> {
    const { settings, open, kind, clock, log, connect } = this.#options;
    if (this.#stopped) throw new JobsError("manager_stopped", `the pool of ${kind} jobs is stopped: start the manager`);
    const process = new IsolatedProcess(open(settings.memoryMb), clock, connect);
    this.#all.add(process);
    log({ event: "process.opened", process: kind, called: process.name });
    void process.gone.then(({ message }) => {
      this.#all.delete(process);
      const place = this.#idle.findIndex((each) => each.process === process);
      if (place !== -1) this.#idle.splice(place, 1)[0]?.cancelTimer();
      log({ event: "process.closed", process: kind, called: process.name, message, jobsRun: process.jobsRun });
      this.#warmLater();
    });
    await process.ready();
    return process;
  }

  #giveBack(process: IsolatedProcess): void {
    const { settings } = this.#options;
    const isWorn = process.jobsRun >= settings.recycleAfterJobs || process.memoryBytes > settings.recycleAboveBytes;
    if (process.isDead) this.#freePlace();
    else if (isWorn || this.#stopped) {
      process.kill();
      void process.gone.then(() => this.#freePlace());
    } else {
      this.#rest(process);
      this.#freePlace();
    }
  }

  #rest(process: IsolatedProcess): void {
    const { settings, clock } = this.#options;
    const look = (): (() => void) =>
      clock.after(settings.idleMs, () => {
        if (this.#all.size > settings.min) process.kill();
        else entry.cancelTimer = look();
      });
    const entry = { process, cancelTimer: look() };
    this.#idle.push(entry);
  }

  #freePlace(): void {
    this.#taken -= 1;
    this.#waiting.shift()?.();
    this.#options.onFree();
  }

  #warmLater(): void {
    if (this.#stopped || this.#options.settings.min === 0) return;
    this.#cancelWarm?.();
    this.#cancelWarm = this.#options.clock.after(startRetryMs, () => this.#warm());
  }

  /** Opens what is missing of `min`. */
  #warm(): void {
    if (this.#stopped) return;
    const missing = this.#options.settings.min - this.#all.size;
    for (let opened = 0; opened < missing; opened += 1) void this.#warmOne();
  }

  /** What does not come up is tried again later. It has a place meanwhile: never more than `max`. */
  async #warmOne(): Promise<void> {
    this.#taken += 1;
    try {
      const process = await this.#open();
      if (this.#stopped || process.isDead) process.kill();
      else this.#rest(process);
    } catch (thrown) {
      this.#failed(thrown);
      this.#warmLater();
    } finally {
      this.#freePlace();
    }
  }

  #failed(thrown: unknown): void {
    const failure = failureOf(thrown, "process_crashed");
    this.#options.log({ event: "service.error", service: "processes", failure, retryInMs: startRetryMs });
  }
}
