import { JobsError } from "../core/errors.ts";
import type { Flow, Job, JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface WatcherOptions {
  transporter: Pick<Transporter, "get" | "flow">;
  clock: Clock;
  random: () => number;
  log: Log;
}

interface Waiter<T> {
  resolve: (ended: T) => void;
  reject: (error: JobsError) => void;
  cancelTimer: () => void;
}

const pollMsMin = 50;
const pollMsMax = 2_000;

/**
 * Waits for the end of jobs and flows. One look for all of them at a time: at once when this manager has settled something,
 * else at growing intervals, 2 s at most. Nothing runs while nobody waits.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #pulse: Pulse;
  readonly #jobs = new Map<JobId, Set<Waiter<Job>>>();
  readonly #flows = new Map<JobId, Set<Waiter<Flow>>>();
  #pollMs = pollMsMin;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "watcher", beat: () => this.#look() });
  }

  /** @throws JobsError `wait_timed_out`, `job_not_found`, `manager_stopped`. */
  job(id: JobId, timeoutMs: number): Promise<Job> {
    return this.#wait(this.#jobs, id, timeoutMs, `job ${id}`);
  }

  /** @throws JobsError `wait_timed_out`, `job_not_found`, `manager_stopped`. */
  flow(id: JobId, timeoutMs: number): Promise<Flow> {
    return this.#wait(this.#flows, id, timeoutMs, `flow ${id}`);
  }

  /** This manager's settlements: what is waited for may have ended by them. */
  settled(jobs: readonly { id: JobId; flowId?: JobId }[]): void {
    if (this.#idle) return;
    if (jobs.some(({ id, flowId }) => flowId !== undefined || this.#jobs.has(id))) this.#pulse.wake();
  }

  /** Ends every wait. */
  async stop(): Promise<void> {
    for (const waiters of [this.#jobs, this.#flows]) {
      for (const [id, set] of waiters) {
        for (const waiter of set) {
          waiter.cancelTimer();
          waiter.reject(new JobsError("manager_stopped", `the manager stopped while ${id} was waited for`));
        }
      }
      waiters.clear();
    }
    await this.#pulse.stop();
  }

  get #idle(): boolean {
    return this.#jobs.size === 0 && this.#flows.size === 0;
  }

  #wait<T>(waiting: Map<JobId, Set<Waiter<T>>>, id: JobId, timeoutMs: number, what: string): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiters = waiting.get(id) ?? new Set();
    const waiter: Waiter<T> = {
      resolve,
      reject,
      cancelTimer: this.#options.clock.after(timeoutMs, () => {
        waiters.delete(waiter);
        if (waiters.size === 0) waiting.delete(id);
        reject(
          new JobsError("wait_timed_out", `${what} has not ended after ${timeoutMs} ms: wait longer, or ask why(id)`),
        );
      }),
    };
    waiters.add(waiter);
    waiting.set(id, waiters);
    this.#pollMs = pollMsMin;
    this.#pulse.start();
    this.#pulse.wake();
    return promise;
  }

  async #look(): Promise<number> {
    const { transporter } = this.#options;
    const ids = [...this.#jobs.keys()];
    for (let first = 0; first < ids.length; first += limits.batchJobsMax) {
      const batch = ids.slice(first, first + limits.batchJobsMax);
      const found = new Map((await transporter.get(batch)).map((job) => [job.id, job]));
      for (const id of batch) this.#tell(this.#jobs, id, found.get(id), `job ${id}`);
    }
    for (const id of this.#flows.keys()) this.#tell(this.#flows, id, await transporter.flow(id), `flow ${id}`);
    this.#pollMs = Math.min(pollMsMax, this.#pollMs * 1.5);
    // Started again by the next one who waits: a timer would keep a process alive that only enqueued, or has stopped its manager.
    if (this.#idle) void this.#pulse.stop();
    return this.#pollMs;
  }

  #tell<T extends Job | Flow>(waiting: Map<JobId, Set<Waiter<T>>>, id: JobId, seen: T | undefined, what: string): void {
    if (seen !== undefined && seen.finishedAt === undefined) return;
    const waiters = waiting.get(id) ?? [];
    waiting.delete(id);
    for (const waiter of waiters) {
      waiter.cancelTimer();
      if (seen !== undefined) waiter.resolve(seen);
      else
        waiter.reject(new JobsError("job_not_found", `${what} is not in the store: it was pruned, or never committed`));
    }
  }
}
