import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { JobManager, type Job, type JobManagerOptions, type ManagerEvent, type Transporter } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A folder of the test's own, gone after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "provost-jobs-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A real store on a file of its own, started. */
export async function store(path = join(temporaryFolder(), "jobs.db")): Promise<Transporter> {
  const transporter = stoppedAfter(sqlite(path));
  await transporter.start();
  return transporter;
}

/** Stops the store after the test, behind the managers that use it. */
export function stoppedAfter(transporter: Transporter): Transporter {
  cleanups.push(() => transporter.stop());
  return transporter;
}

/** A manager with short times, stopped after the test, and the witness of what it told. */
export function managed(options: JobManagerOptions): { manager: JobManager; witness: Witness } {
  const witness = new Witness();
  const manager = new JobManager({
    lease: 2_000,
    poll: 50,
    stopGrace: 100,
    abortGrace: 100,
    log: (event) => witness.tell(event),
    ...options,
  });
  cleanups.push(() => manager.stop());
  return { manager, witness };
}

type EventOf<Kind extends ManagerEvent["event"]> = Extract<ManagerEvent, { event: Kind }>;

/** Keeps a manager's events and lets tests wait for one: a condition, never a sleep. */
export class Witness {
  readonly events: ManagerEvent[] = [];
  readonly #waiters = new Set<() => void>();

  tell(event: ManagerEvent): void {
    this.events.push(event);
    for (const look of this.#waiters) look();
  }

  /** Resolves with the events of this kind that match, when there are `count` of them. */
  until<Kind extends ManagerEvent["event"]>(
    kind: Kind,
    match: (event: EventOf<Kind>) => boolean = () => true,
    count = 1,
  ): Promise<EventOf<Kind>[]> {
    const matching = (): EventOf<Kind>[] =>
      this.events.filter((event): event is EventOf<Kind> => event.event === kind).filter(match);
    return new Promise((resolve) => {
      const look = (): void => {
        const found = matching();
        if (found.length < count) return;
        this.#waiters.delete(look);
        resolve(found);
      };
      this.#waiters.add(look);
      look();
    });
  }

  /** Calls back for every event of this kind, those of the past included. */
  each<Kind extends ManagerEvent["event"]>(kind: Kind, callback: (event: EventOf<Kind>) => void): void {
    let seen = 0;
    const look = (): void => {
      const found = this.events.filter((event): event is EventOf<Kind> => event.event === kind).slice(seen);
      seen += found.length;
      for (const event of found) callback(event);
    };
    this.#waiters.add(look);
    look();
  }

  /** Resolves when the job's attempt was settled with this outcome. */
  async settled(jobId: string, outcome: EventOf<"attempt.settled">["outcome"], count = 1): Promise<void> {
    await this.until("attempt.settled", (event) => event.jobId === jobId && event.outcome === outcome, count);
  }
}

/** A promise and its end, for handlers that tests hold up. */
export function signal<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, resolve };
}

/** Waits until a handler is asked to end, as one that passes its signal on does. */
export function untilAborted(aborted: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(aborted.reason);
    if (aborted.aborted) end();
    else aborted.addEventListener("abort", end, { once: true });
  });
}

/** The job, which must be there. */
export async function jobIn(manager: JobManager, id: string): Promise<Job> {
  const job = await manager.get(id);
  expect(job, `job ${id}`).toBeDefined();
  return job!;
}

/** The store with some of its methods replaced: faults on demand. */
export function withFaults(transporter: Transporter, faults: Partial<Transporter>): Transporter {
  return new Proxy(transporter, {
    get(target, key) {
      // What cuts renewals off cuts off the lease thread's too.
      if (key === "remote" && (faults.renew ?? faults.permits) !== undefined) return undefined;
      const fault: unknown = Reflect.get(faults, key);
      if (fault !== undefined) return fault;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
