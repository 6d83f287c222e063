import { AssertionError } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { durationMs, type Duration } from "../core/duration.ts";
import { JobsError } from "../core/errors.ts";
import type { Job, JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { InputArguments, JobDefinition } from "../core/request.ts";
import type { EventOf } from "../manager/listeners.ts";
import { JobManager } from "../manager/manager.ts";
import type { JobManagerOptions } from "../manager/options.ts";
import { sqlite } from "../transporters/sqlite/index.ts";
import type { Transporter } from "../transporters/transporter.ts";

/** As a manager's; the store may be left out. */
export interface TestManagerOptions extends Omit<JobManagerOptions, "transporter" | "jobs"> {
  jobs: NonNullable<JobManagerOptions["jobs"]>;
  /** A store of your own, started; a fresh SQLite file by default, removed by `close`. */
  transporter?: Transporter;
}

/** One attempt that `drain` has run. */
export type DrainedAttempt = Pick<EventOf<"attempt.settled">, "jobId" | "name" | "outcome" | "failure">;

/** Which enqueued jobs fit, and how many there have to be. */
export interface ExpectedJob {
  /** As it was enqueued; compared deeply, as JSON. Any, when it is left out. */
  input?: unknown;
  /** How many there have to be; at least one, when it is left out. */
  count?: number;
}

/** How often `drain` looks whether it is done, besides after every attempt. */
const lookMs = 20;

/**
 * A job manager for your own tests: nothing runs until you say so, time passes when you say so, and what ran is told. It is
 * the real manager on a real store: retries, flows, wakes and unique keys are what they are in production. Needs no test runner.
 *
 * ```ts
 * const jobs = await testManager({ jobs: [greet] });
 * await signUp(jobs.manager, "Ada"); // your own code, which enqueues
 * await jobs.assertEnqueued(greet, { input: { name: "Ada" } });
 * await jobs.drain();
 * await jobs.advance("1h");
 * await jobs.close();
 * ```
 */
export async function testManager(options: TestManagerOptions): Promise<TestManager> {
  const { transporter: given, ...rest } = options;
  if (given !== undefined) return new TestManager(given, rest, async () => undefined);
  const folder = await mkdtemp(join(tmpdir(), "provost-test-"));
  const transporter = sqlite(join(folder, "jobs.db"));
  await transporter.start();
  return new TestManager(transporter, rest, async () => {
    await transporter.stop();
    await rm(folder, { recursive: true, force: true });
  });
}

/** A manager that runs when it is told to; made by `testManager`. */
export class TestManager {
  readonly manager: JobManager;
  readonly transporter: Transporter;
  readonly #names: ReadonlySet<string>;
  readonly #dispose: () => Promise<void>;
  #offsetMs = 0;

  constructor(
    transporter: Transporter,
    options: Omit<TestManagerOptions, "transporter">,
    dispose: () => Promise<void>,
  ) {
    this.transporter = transporter;
    this.#dispose = dispose;
    this.#names = new Set(options.jobs.map(({ name }) => name));
    // One after the other, so that what ran is told in one order.
    const slots = { short: 1, long: 1 };
    this.manager = new JobManager({ slots, poll: lookMs, stopGrace: "1s", ...options, transporter });
  }

  /**
   * Runs what is ready and what becomes ready by it, in the order of L1, until nothing is; what is delayed stays so. Returns the
   * attempts it ran.
   *
   * @throws JobsError `wait_timed_out` when it is not done in time (10 s by default): a job that releases itself with no delay
   *   never is.
   */
  async drain({ timeout = "10s" }: { timeout?: Duration } = {}): Promise<DrainedAttempt[]> {
    const ran: DrainedAttempt[] = [];
    const quiet = this.manager.on("attempt.settled", ({ jobId, name, outcome, failure }) => {
      ran.push({ jobId, name, outcome, ...(failure === undefined ? {} : { failure }) });
    });
    const giveUpAt = performance.now() + durationMs(timeout, "timeout");
    try {
      await this.manager.start();
      while (!(await this.#isIdle())) {
        if (performance.now() > giveUpAt) {
          throw new JobsError(
            "wait_timed_out",
            `jobs are still ready or running after ${timeout} and ${ran.length} attempts: drain longer, or mend what never ends`,
          );
        }
        await sleep(lookMs);
      }
    } finally {
      await this.manager.stop();
      quiet();
    }
    return ran;
  }

  /** Lets time pass for the store: what is due then is ready for the next `drain`. What is kept too long is pruned by that. */
  async advance(duration: Duration): Promise<void> {
    this.#offsetMs += durationMs(duration, "duration");
    this.transporter.setClockOffset(this.#offsetMs);
    while ((await this.transporter.promote(limits.batchJobsMax)).promoted >= limits.batchJobsMax);
  }

  /**
   * Enqueues a job, drains, and returns its result.
   *
   * @throws JobsError `job_not_processed` with the reason, also when it is delayed now.
   */
  async run<Input, Result>(
    job: JobDefinition<Input, Result>,
    ...args: InputArguments<NoInfer<Input>>
  ): Promise<Result> {
    const { id } = await this.manager.enqueue(job.with(...args));
    const attempts = await this.drain();
    if ((await this.manager.get(id))?.status === "processed") return await this.manager.result(job, id);
    throw new JobsError("job_not_processed", `${await this.#said(id)} (${attempts.length} attempts were run)`);
  }

  /** Unfinished jobs of this kind, those behind a gate included, by id; at most `limits.batchJobsMax` of each status. */
  async enqueued(job: JobDefinition): Promise<Job[]> {
    const found: Job[] = [];
    for (const status of ["waiting", "delayed", "queued", "in_progress"] as const) {
      found.push(...(await this.transporter.list({ name: job.name, status, limit: limits.batchJobsMax })));
    }
    return found.toSorted((a, b) => Number(a.id) - Number(b.id));
  }

  /** @throws AssertionError when there is no unfinished job of this kind that fits, or another number of them. */
  async assertEnqueued(job: JobDefinition, expected: ExpectedJob = {}): Promise<void> {
    const all = await this.enqueued(job);
    const wanted: unknown = "input" in expected ? JSON.parse(JSON.stringify(expected.input ?? null)) : undefined;
    const fitting = all.filter(({ input }) => wanted === undefined || isDeepStrictEqual(JSON.parse(input), wanted));
    const enough = expected.count === undefined ? fitting.length > 0 : fitting.length === expected.count;
    if (enough) return;
    const inputs = all.slice(0, 5).map(({ id, input }) => `${id}: ${input.slice(0, 200)}`);
    throw new AssertionError({
      message:
        `${JSON.stringify(job.name)}: ${fitting.length} enqueued that fit, expected ${expected.count ?? "at least 1"}; ` +
        (inputs.length === 0 ? "there are none of it" : `there are ${all.length} of it:\n${inputs.join("\n")}`),
      actual: fitting.length,
      expected: expected.count ?? 1,
      operator: "assertEnqueued",
    });
  }

  /** Stops the manager, and the store where it is this one's own. */
  async close(): Promise<void> {
    await this.manager.stop();
    await this.#dispose();
  }

  /** Nothing runs, and nothing that is ready is this manager's to run. */
  async #isIdle(): Promise<boolean> {
    const lines = await this.transporter.sight.counts();
    // One look at both: a job on its way from one to the other is in either.
    if (lines.some(({ counts }) => counts.in_progress > 0)) return false;
    const ready = lines.reduce((sum, { counts }) => sum + counts.queued, 0);
    if (ready === 0) return true;
    const queued = await this.transporter.list({ status: "queued", limit: limits.batchJobsMax });
    const paused = new Set((await this.transporter.queues.list()).flatMap((each) => (each.paused ? each.queue : [])));
    const canRun = ({ name, queue, heldAt }: Job): boolean =>
      this.#names.has(name) && !paused.has(queue) && heldAt === undefined;
    // One that is not there any more has been claimed since.
    return !queued.some(canRun) && queued.length === Math.min(ready, limits.batchJobsMax);
  }

  async #said(id: JobId): Promise<string> {
    const why = await this.manager.why(id);
    return why === undefined ? `job ${id} is not in the store` : `job ${id} (${why.job.name}) ${why.sentence}`;
  }
}
