import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type {
  Atomicity,
  AtomicityOptions,
  Permit,
  Semaphore,
  SemaphoreOptions,
  SemaphoreScope,
  SharedMemory,
} from "../core/atomicity.ts";
import { checkedBatch, checkedKey, checkedPriority } from "../core/bounds.ts";
import { JobsError } from "../core/errors.ts";
import { FlowBuilder } from "../core/flow.ts";
import { checkedId, checkedIds } from "../core/ids.ts";
import type { Job, JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import { newItem, newItems } from "../core/prepare.ts";
import { JobRequest, type InputArguments, type JobDefinition, type JobOptions } from "../core/request.ts";
import { atomicityOf } from "../memory/atomicity.ts";
import type {
  AmendResult,
  Change,
  Enqueued,
  NewItem,
  Transporter,
  Tx,
  WithDescendants,
} from "../transporters/transporter.ts";
import type { ManagerAsked } from "../transporters/sight.ts";
import { type EnqueuedFlow, type EnqueuedJob, flowOf, jobOf } from "./enqueued.ts";
import type { Log } from "./events.ts";
import { Listeners } from "./listeners.ts";
import type { JobManagerOptions } from "./options.ts";
import { JobReader } from "./reader.ts";
import { registryOf } from "./registry.ts";
import { Queues } from "./queues.ts";
import { Schedules } from "./schedules.ts";
import { Services } from "./services.ts";
import { settingsOf } from "./options.ts";
import { Watcher } from "./watcher.ts";

/** What joins the caller's transaction (L11). */
export interface InTransaction {
  /** Joins the caller's transaction: takes effect with its commit (L11). */
  tx?: Tx;
}

/**
 * The enforcer of LAWS.md: claims jobs, runs them, renews their leases, rescues those of dead managers. Several, in one
 * process or many, share a Transporter.
 */
export class JobManager extends JobReader {
  /** As claims and logs name it. */
  readonly id: string;
  readonly #transporter: Transporter;
  readonly #services: Services;
  readonly #atomicity: Atomicity;
  readonly #log: Log;
  /** Pause, limits, weights and aging of queues (L2, L14, L16). */
  readonly queues: Queues;
  /** Schedules, seen and changed by hand (L13). */
  readonly schedules: Schedules;

  /** @throws JobsError `invalid_options`, `invalid_definition`. */
  constructor(options: JobManagerOptions) {
    const id = `${hostname().slice(0, 64)}:${process.pid}:${randomBytes(4).toString("hex")}`;
    const registry = registryOf(options.jobs ?? []);
    const given = settingsOf(options);
    const listeners = new Listeners(id, given.log);
    const settings = { ...given, log: listeners.tell };
    const watcher = new Watcher({ ...settings, transporter: options.transporter });
    super(options.transporter, watcher, listeners);
    this.id = id;
    this.#transporter = options.transporter;
    this.#services = new Services({
      manager: this.id,
      transporter: options.transporter,
      registry,
      settings,
      watcher,
      prepare: (item) => this.#prepare(item),
      onStopAsked: () => void this.stop(),
    });
    const { logs } = this.#services;
    listeners.on("job.log", (told) => logs.told(told, "log", told.message, told.fields));
    listeners.on("job.output", (told) => logs.told(told, told.stream, told.line));
    this.#atomicity = atomicityOf(this.#services.memory.scopes);
    this.#log = settings.log;
    this.queues = new Queues({
      queues: options.transporter.queues,
      log: settings.log,
      onChange: (queue) => this.#services.claimer.configured(queue),
    });
    this.schedules = new Schedules({
      transporter: options.transporter,
      onRun: () => this.#services.claimer.hint(),
      onChange: () => this.#services.scheduler.wake(),
    });
  }

  /**
   * Opens the store, loads isolated jobs where they will run, and begins to run jobs. Safe to call twice.
   *
   * @throws JobsError `invalid_definition` for an isolated job whose module does not load or export it, and what the
   *   Transporter's `start` throws.
   */
  async start(): Promise<void> {
    await this.#services.start();
  }

  /**
   * Claims no more, lets running jobs end, then aborts and defers them, which costs them nothing (L4). Awaited, bounded, safe to
   * call twice. The Transporter stays open.
   */
  async stop(): Promise<void> {
    await this.#services.stop();
  }

  /**
   * Adds one job or flow; durable when it resolves, or with the commit of `tx` (L11).
   *
   * @throws JobsError `invalid_input`, `invalid_options`, `invalid_definition`, `payload_too_large`, `flow_too_large`,
   *   `flow_too_deep`, `unique_key_taken` where `onClash` is `"reject"`, `queue_full`, `store_unavailable`: then nothing was added (after a lost connection that is not certain: use `unique`).
   */
  enqueue(flow: FlowBuilder, options?: InTransaction): Promise<EnqueuedFlow>;
  enqueue(request: JobRequest, options?: InTransaction): Promise<EnqueuedJob>;
  enqueue<Input>(
    job: JobDefinition<Input>,
    ...args: InputArguments<NoInfer<Input>, JobOptions & InTransaction>
  ): Promise<EnqueuedJob>;
  async enqueue(
    item: FlowBuilder | JobRequest | JobDefinition,
    ...args: [any?, (JobOptions & InTransaction)?]
  ): Promise<EnqueuedFlow | EnqueuedJob> {
    if (item instanceof FlowBuilder) return flowOf(await this.#enqueueOne(item, args[0]));
    if (item instanceof JobRequest) return jobOf(await this.#enqueueOne(item, args[0]));
    const { tx, ...options } = args[1] ?? {};
    const request = new JobRequest(item, args[0], options);
    return jobOf(await this.#enqueueOne(request, tx === undefined ? {} : { tx }));
  }

  /**
   * Adds jobs and flows, all or none, in one act; the answers are in their order.
   *
   * @throws JobsError as `enqueue`, and `batch_too_large` above `limits.enqueueJobsMax` jobs.
   */
  async enqueueMany(
    items: readonly (JobRequest | FlowBuilder)[],
    options: InTransaction = {},
  ): Promise<(EnqueuedJob | EnqueuedFlow)[]> {
    const prepared = await newItems(items, () => this.#transporter.now());
    const enqueued = await this.#enqueueItems(prepared, options);
    return enqueued.map((one) => (one.flowId === undefined ? jobOf(one) : flowOf(one)));
  }

  /**
   * L12. Runs `fn` alone: in this scope (`"store"` by default: on all hosts) no other section of this name runs meanwhile.
   *
   * @throws JobsError as `Semaphore.use`, `permit_lost` when the section had been taken for dead before it ended; what `fn` throws.
   */
  ensureAtomicity<T>(name: string, fn: (permit: Permit) => T | Promise<T>, options?: AtomicityOptions): Promise<T> {
    return this.#atomicity.ensureAtomicity(name, fn, options);
  }

  /** L12. A semaphore with n permits. @throws JobsError `invalid_options`. */
  semaphore(name: string, options?: SemaphoreOptions): Semaphore {
    return this.#atomicity.semaphore(name, options);
  }

  /** L12. Values that all in the scope (`"store"` by default) share. @throws JobsError `invalid_options`. */
  memory(scope?: SemaphoreScope): SharedMemory {
    return this.#atomicity.memory(scope);
  }

  /**
   * L7. Makes jobs that were released or enqueued with these keys ready now; one that runs is made ready at its release; a wake
   * that meets no job is kept for one. In `tx` it takes effect with the commit.
   *
   * @returns the number of jobs met.
   */
  async wake(keys: string | readonly string[], options: InTransaction = {}): Promise<number> {
    const list = typeof keys === "string" ? [keys] : [...new Set(keys)];
    for (const key of checkedBatch(list, "wake keys")) checkedKey(key, "wake key");
    const met = list.length === 0 ? 0 : await this.#transporter.wake(list, options);
    if (options.tx === undefined && met > 0) this.#services.claimer.hint();
    return met;
  }

  /**
   * Cancels jobs. What runs is asked to end (`requested`): its signal aborts, here at once, elsewhere with the next renewal; should
   * it be processed all the same, that counts. What does not run is cancelled at once, and those below it fail, since they
   * can never start (L6).
   *
   * @param options.reason kept with the job.
   * @param options.descendants also cancels all below, where the job itself is processed or runs still.
   */
  async cancel(
    ids: JobId | readonly JobId[],
    options: InTransaction & WithDescendants & { reason?: string } = {},
  ): Promise<AmendResult[]> {
    const { reason = "cancelled by request", descendants = false, ...inTransaction } = options;
    const list = checkedIds(ids);
    const results = await this.#amend(list, { kind: "cancel", reason, descendants }, inTransaction);
    if (options.tx === undefined) {
      this.#services.runner.cancel(list.filter((_, index) => results[index]?.state === "requested"));
    }
    return results;
  }

  /** Cancels all of a flow that has not ended; its `onFailed` job runs then. In batches of `limits.batchJobsMax`. */
  async cancelFlow(flowId: JobId, options: InTransaction & { reason?: string } = {}): Promise<AmendResult[]> {
    const members = await this.members(checkedId(flowId));
    return await this.#inBatches(
      members.filter(({ stage, finishedAt }) => stage !== undefined && finishedAt === undefined),
      (ids) => this.cancel(ids, options),
    );
  }

  /**
   * Gives failed or cancelled jobs a fresh budget and their base priority back (L4, L10). In a flow that has ended this reopens it:
   * the descendants and later stages that failed because of the job wait again.
   *
   * @returns `refused` for jobs that are neither, and for those behind a gate that cannot open: retry the job that shut it.
   * @throws JobsError `unique_key_taken` when another holds the job's unique key by now; then nothing was retried.
   */
  async retry(ids: JobId | readonly JobId[], options: InTransaction = {}): Promise<AmendResult[]> {
    return await this.#amend(checkedIds(ids), { kind: "retry" }, options);
  }

  /** Retries every job of a flow that failed or was cancelled by itself: it goes on from there, and what was processed stays. */
  async retryFlow(flowId: JobId, options: InTransaction = {}): Promise<AmendResult[]> {
    const [flow, members] = await Promise.all([this.flow(flowId), this.members(checkedId(flowId))]);
    const own = members.filter((job) => endedByItself(job));
    // The decisive one first: it opens the flow again.
    const ordered = own.toSorted((a, b) => Number(b.id === flow?.failedJobId) - Number(a.id === flow?.failedJobId));
    return await this.#inBatches(ordered, (ids) => this.retry(ids, options));
  }

  /** Sets base and current priority, 0 to 255, higher first (L1), of jobs alone or with their descendants; final jobs refuse. */
  async priority(
    ids: JobId | readonly JobId[],
    priority: number,
    { descendants = false, ...options }: InTransaction & WithDescendants = {},
  ): Promise<AmendResult[]> {
    const change = { kind: "priority", priority: checkedPriority(priority), descendants } as const;
    return await this.#amend(checkedIds(ids), change, options);
  }

  /**
   * Moves jobs to another queue of the same lane; its depth limit does not hold them up.
   *
   * @returns `refused` for what has ended, and for what runs: it is on its way already.
   */
  async move(ids: JobId | readonly JobId[], queue: string, options: InTransaction = {}): Promise<AmendResult[]> {
    return await this.#amend(checkedIds(ids), { kind: "move", queue: checkedKey(queue, "queue") }, options);
  }

  /**
   * For acts on jobs that join a transaction: opens it when what this manager holds ahead of these jobs is back in line. When it
   * has ended, what was cancelled in it and runs here is asked to end at once, and what has become ready is looked for.
   *
   * @param transaction resolves, with its commit, with what became of each of the jobs.
   */
  async around(ids: readonly JobId[], transaction: () => Promise<AmendResult[]>): Promise<AmendResult[]> {
    const { runner, claimer } = this.#services;
    await runner.callBack(ids);
    const results = await transaction();
    runner.cancel(ids.filter((_, index) => results[index]?.state === "requested"));
    claimer.hint();
    return results;
  }

  /**
   * Asks any manager of the store to take no more jobs (`quiet`), to stop as by `stop()`, or to go on (`run`). It hears of it within 10 s, and
   * does so until it is asked otherwise or started anew.
   *
   * @returns false when none of that id is there.
   */
  async ask(manager: string, asked: ManagerAsked): Promise<boolean> {
    const found = await this.#transporter.sight.ask(checkedKey(manager, "manager"), asked);
    if (manager === this.id) this.#services.heed();
    return found;
  }

  /**
   * Holds jobs back by hand (L6), alone or with their descendants: none is started until `unhold`, whatever comes: its gate, its time, a
   * wake. What runs is left to run, and held from its next release or error on. It takes a direction to run now back; a retry by hand ends it.
   */
  async hold(
    ids: JobId | readonly JobId[],
    { descendants = false, ...options }: InTransaction & WithDescendants = {},
  ): Promise<AmendResult[]> {
    return await this.#amend(checkedIds(ids), { kind: "hold", descendants }, options);
  }

  /** Takes a hold back: each job goes on as if it had never been held. What was not held stays as it is. */
  async unhold(
    ids: JobId | readonly JobId[],
    { descendants = false, ...options }: InTransaction & WithDescendants = {},
  ): Promise<AmendResult[]> {
    return await this.#amend(checkedIds(ids), { kind: "unhold", descendants }, options);
  }

  /**
   * Directs jobs to run now (L5): each goes ahead of all others of its lane, past delay, priority, pause and rate.
   *
   * @returns `refused` with `why` for a closed gate, a reached concurrency limit, a final status, one that runs already, and one that
   *   is held: who holds it may have a reason; `unhold` it first.
   */
  async runNow(ids: JobId | readonly JobId[], options: InTransaction = {}): Promise<AmendResult[]> {
    return await this.#amend(checkedIds(ids), { kind: "direct" }, options);
  }

  /**
   * An administrator's act, logged and kept with the job: its own gate counts as opened, whatever stands before it. The one
   * exception to L6.
   *
   * @param by who does it, and `reason` why: for those who come later. No secrets.
   */
  async forceGate(
    id: JobId,
    { by, reason, ...options }: InTransaction & { by: string; reason: string },
  ): Promise<AmendResult> {
    const who = `${checkedKey(by, "by")}: ${checkedKey(reason, "reason")}`;
    const [result] = await this.#amend([checkedId(id)], { kind: "force-gate", by: who }, options);
    if (result === undefined)
      throw new JobsError("store_unavailable", `the store gave no answer for job ${id}: look before repeating`);
    if (result.state === "applied") this.#log({ event: "gate.forced", jobId: id, by, reason });
    return result;
  }

  async #amend(ids: JobId[], change: Change, options: InTransaction): Promise<AmendResult[]> {
    if (ids.length === 0) return [];
    // What is prefetched of them is no more in progress than what stands in the queue (L16).
    if (options.tx === undefined) await this.#services.runner.callBack(ids);
    const results = await this.#transporter.amend(ids, change, options);
    // What was retried is ready; a flow that ends may have made its `onFailed` job ready.
    if (options.tx === undefined) this.#services.claimer.hint();
    return results;
  }

  async #inBatches(jobs: readonly Job[], act: (ids: JobId[]) => Promise<AmendResult[]>): Promise<AmendResult[]> {
    const results: AmendResult[] = [];
    for (let first = 0; first < jobs.length; first += limits.batchJobsMax) {
      results.push(...(await act(jobs.slice(first, first + limits.batchJobsMax).map(({ id }) => id))));
    }
    return results;
  }

  async #enqueueOne(item: JobRequest | FlowBuilder, options: InTransaction = {}): Promise<Enqueued> {
    const [enqueued] = await this.#enqueueItems([await this.#prepare(item)], options);
    if (enqueued !== undefined) return enqueued;
    throw new JobsError(
      "store_unavailable",
      "the store gave no answer to an enqueue of one item: look for it before repeating",
    );
  }

  async #enqueueItems(items: NewItem[], { tx }: InTransaction): Promise<Enqueued[]> {
    if (items.length === 0) return [];
    let jobs = 0;
    for (const item of items)
      jobs += "job" in item ? 1 : item.flow.jobs.length + (item.flow.onFailed === undefined ? 0 : 1);
    if (jobs > limits.enqueueJobsMax) {
      throw new JobsError(
        "batch_too_large",
        `${jobs} jobs in one enqueue; at most ${limits.enqueueJobsMax} (limits.enqueueJobsMax): split them`,
      );
    }
    const enqueued = await this.#transporter.enqueue(items, tx === undefined ? {} : { tx });
    // What joins a transaction is not there yet: the store hints at the commit.
    if (tx === undefined) this.#services.enqueued(items);
    return enqueued;
  }

  async #prepare(item: JobRequest | FlowBuilder): Promise<NewItem> {
    return await newItem(item, () => this.#transporter.now());
  }
}

/** Not because of another one, which brings it back when it is retried itself. */
function endedByItself({ status, stage, failure }: Job): boolean {
  if (stage === undefined || (status !== "failed" && status !== "cancelled")) return false;
  if (failure?.code === "parent_failed" || failure?.code === "stage_failed") return false;
  // Cancelled by a fail-fast stage: it says by whom.
  return status === "failed" || failure?.details === undefined;
}
