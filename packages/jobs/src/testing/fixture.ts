import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { JobsError } from "../core/errors.ts";
import type { Job, JobId, JobStatus } from "../core/job.ts";
import type {
  Claimed,
  ClaimRequest,
  NewFlow,
  NewJob,
  Outcome,
  Settlement,
  SettleResult,
  SqlAccess,
  Transporter,
} from "../transporters/transporter.ts";

/** A store under test. */
export interface TransporterUnderTest {
  /** Started, on a store with no jobs. */
  transporter: Transporter;
  /** A second Transporter on the same store, started; the suite stops it. */
  other(): Promise<Transporter>;
  /** Called once after the last test on it, when both Transporters have been stopped: removes the store. */
  dispose(): Promise<void>;
}

/** What the conformance suite is run on. */
export interface TransporterSuite {
  /** Of the store, for the tests' titles. */
  name: string;
  /** A store of its own for each law. */
  create(): Promise<TransporterUnderTest>;
  /** Runs of the property tests against the model. 30. */
  modelRuns?: number;
}

/** What a property test may take, ms: its runs are many where they are asked for. */
export function modelMsMax({ modelRuns = 30 }: TransporterSuite): number {
  return 30_000 + 300 * modelRuns;
}

/** A job of a flow in the tests' short form: a name, or what differs from the usual. */
export type Member = string | Partial<NewJob>;

/** A stage in short form: a job, several, or jobs with stages of their own under the first. */
export interface Stage {
  policy?: NewFlow["stages"][number]["policy"];
  jobs: (Member | { job: Member; under: Stage[] })[];
}

const unfinished: JobStatus[] = ["waiting", "delayed", "queued", "in_progress"];

/**
 * What a law's tests share: one store, and a queue for each test. Tests leave their store without unfinished jobs, so
 * that one opened store serves all of a law.
 */
export class Fixture {
  /** A queue of this test only. */
  queue = "";
  readonly #suite: TransporterSuite;
  #store: TransporterUnderTest | undefined;
  #second: Transporter | undefined;
  #tests = 0;

  /** Registers its hooks with the enclosing `describe`. */
  constructor(suite: TransporterSuite) {
    this.#suite = suite;
    beforeAll(async () => {
      this.#store = await this.#suite.create();
    });
    beforeEach(() => {
      this.#tests += 1;
      this.queue = `queue-${this.#tests}`;
    });
    afterEach(async () => {
      this.setClock(0);
      await this.#clear();
    });
    afterAll(async () => {
      await this.#second?.stop();
      await this.#store?.transporter.stop();
      await this.#store?.dispose();
    });
  }

  get transporter(): Transporter {
    if (this.#store === undefined)
      throw new JobsError("store_stopped", "the suite's store is not open yet: use it inside a test");
    return this.#store.transporter;
  }

  /** Another Transporter on the same store: another process, as far as the store can tell. Stopped by the fixture. */
  async second(): Promise<Transporter> {
    this.#second ??= await this.another();
    return this.#second;
  }

  /** As `second`, but a new one each time, and the test's to stop. */
  another(): Promise<Transporter> {
    if (this.#store === undefined)
      throw new JobsError("store_stopped", "the suite's store is not open yet: use it inside a test");
    return this.#store.other();
  }

  /** The store's connections; skips the test, with the reason, where it lends none. */
  sql(skip: (reason: string) => never): SqlAccess {
    return this.transporter.sql ?? skip("the store lends no SQL connections");
  }

  /** Shifts the store's clock for both Transporters: delays and leases pass without waiting. */
  setClock(offsetMs: number): void {
    this.transporter.setClockOffset(offsetMs);
    this.#second?.setClockOffset(offsetMs);
  }

  /** A key that no other test uses. */
  key(name: string): string {
    return `${this.queue}:${name}`;
  }

  job(differs: Partial<NewJob> = {}): NewJob {
    return {
      name: "work",
      queue: this.queue,
      lane: "short",
      input: "{}",
      priority: 100,
      attempts: 3,
      timeoutMs: 60_000,
      delayMs: 0,
      ...differs,
    };
  }

  /** Enqueues jobs in one call; their ids in order. */
  async enqueue(...jobs: Partial<NewJob>[]): Promise<JobId[]> {
    const added = await this.transporter.enqueue(jobs.map((job) => ({ job: this.job(job) })));
    return added.flatMap(({ ids }) => ids);
  }

  async enqueueOne(job: Partial<NewJob> = {}): Promise<JobId> {
    return one(await this.enqueue(job));
  }

  request(differs: Partial<ClaimRequest> = {}): ClaimRequest {
    return {
      queue: this.queue,
      lane: "short",
      names: ["work"],
      limit: 100,
      leaseMs: 10_000,
      started: true,
      ...differs,
    };
  }

  claim(differs: Partial<ClaimRequest> = {}): Promise<Claimed[]> {
    return this.transporter.claim([this.request(differs)], "manager-1");
  }

  async claimOne(differs: Partial<ClaimRequest> = {}): Promise<Claimed> {
    return one(await this.claim({ limit: 1, ...differs }));
  }

  async settle(claimed: Claimed, outcome: Outcome, more: Partial<Settlement> = {}): Promise<SettleResult> {
    const { id, fence, version } = claimed;
    return one(await this.transporter.settle([{ id, fence, version, outcome, ...more }]));
  }

  /** Claims all that is ready and processes it; their ids. */
  async processReady(names: string[] = ["work"]): Promise<JobId[]> {
    const claimed = await this.claim({ names });
    await this.transporter.settle(
      claimed.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })),
    );
    return claimed.map(({ id }) => id);
  }

  async get(id: JobId): Promise<Job> {
    return one(await this.transporter.get([id]));
  }

  async status(id: JobId): Promise<JobStatus> {
    return (await this.get(id)).status;
  }

  async statuses(ids: JobId[]): Promise<JobStatus[]> {
    return (await this.transporter.get(ids)).map(({ status }) => status);
  }

  /** The ids of what can be claimed now, without claiming it for good: each goes back free of charge. */
  async ready(): Promise<JobId[]> {
    const queued = await this.transporter.list({ queue: this.queue, status: "queued", limit: 1_000 });
    return queued.map(({ id }) => id);
  }

  /** Ends everything that a test has left, so that the next one meets an idle store. */
  async #clear(): Promise<void> {
    for (;;) {
      const left: Job[] = [];
      for (const status of unfinished) left.push(...(await this.transporter.list({ status, limit: 1_000 })));
      if (left.length === 0) return;
      const running = left.filter(({ status }) => status === "in_progress").slice(0, 1_000);
      await this.transporter.settle(
        running.map(({ id, fence, version }) => ({
          id,
          fence,
          version,
          outcome: { kind: "cancelled", failure: testOver },
        })),
      );
      const others = left.filter(({ status }) => status !== "in_progress").slice(0, 1_000);
      await this.transporter.amend(
        others.map(({ id }) => id),
        { kind: "cancel", reason: "the test is over" },
      );
    }
  }

  /** A flow from its short form; jobs in the order written, a job's own stages right behind it. */
  flow(stages: Stage[], more: { onFailed?: Partial<NewJob>; uniqueKey?: string } = {}): NewFlow {
    const flow: NewFlow = { jobs: [], stages: [] };
    const add = (list: Stage[], parent: number | undefined): void => {
      for (const stage of list) {
        const index = flow.stages.length;
        flow.stages.push({ ...(parent === undefined ? {} : { parent }), policy: stage.policy ?? "all-processed" });
        for (const member of stage.jobs) {
          const nested = typeof member === "object" && "under" in member ? member : { job: member, under: [] };
          const differs = typeof nested.job === "string" ? { name: nested.job } : nested.job;
          const position = flow.jobs.push({ ...this.job(differs), stage: index }) - 1;
          add(nested.under, position);
        }
      }
    };
    add(stages, undefined);
    if (more.onFailed !== undefined) flow.onFailed = this.job({ name: "on-failed", ...more.onFailed });
    if (more.uniqueKey !== undefined) flow.uniqueKey = more.uniqueKey;
    return flow;
  }
}

const testOver = { code: "cancelled", message: "the test is over" };

export const failure = { code: "handler_failed", message: "it broke" };

/** The outcome of an attempt that used up the budget, or of a handler that says `fail`. */
export function failed(attemptsUsed = 1): Outcome {
  return { kind: "failed", cause: "error", attemptsUsed, crashes: 0, errors: attemptsUsed, failure };
}

export function retry(differs: Partial<Extract<Outcome, { kind: "retry" }>> = {}): Outcome {
  return {
    kind: "retry",
    cause: "error",
    delayMs: 0,
    priority: 66,
    attemptsUsed: 1,
    crashes: 0,
    errors: 1,
    ...differs,
  };
}

/** The only element of a list that has exactly one. */
export function one<T>(list: readonly T[]): T {
  const [first, ...others] = list;
  if (first === undefined || others.length > 0) {
    throw new JobsError(
      "invalid_input",
      `expected exactly one, got ${list.length}: ${JSON.stringify(list).slice(0, 200)}`,
    );
  }
  return first;
}
