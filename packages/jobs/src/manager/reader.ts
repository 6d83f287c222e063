import { checkedInteger, checkedKey } from "../core/bounds.ts";
import { durationMs, type Duration } from "../core/duration.ts";
import { JobsError } from "../core/errors.ts";
import { checkedId, checkedIds } from "../core/ids.ts";
import type { Attempt, Flow, Job, JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { JobDefinition } from "../core/request.ts";
import { flowTree, type FlowTree } from "../core/tree.ts";
import type { BrowsePage, BrowseQuery, FlowMember, JobBrief } from "../transporters/browse.ts";
import type { LogLine } from "../transporters/logs.ts";
import type { MinuteLevel, MinuteRow } from "../transporters/minutes.ts";
import type { FlowStage, ManagerSeen, QueueCounts } from "../transporters/sight.ts";
import type { JobQuery, Transporter } from "../transporters/transporter.ts";
import { Explainer, type Why } from "./explainer.ts";
import type { EventName, EventOf, Listeners } from "./listeners.ts";
import type { Watcher } from "./watcher.ts";

/** How to wait for an end. */
export interface WaitOptions {
  /** How long to wait; 1 min by default. */
  timeout?: Duration;
}

/** What a handler has told last of how far it is. */
export interface JobProgress {
  value: unknown;
  /** ms since 1970 by the store's clock. */
  at: number;
}

const waitMs = 60_000;

/** What can be seen of jobs (L15); `JobManager` adds what can be done with them. */
export class JobReader {
  readonly #transporter: Transporter;
  readonly #watcher: Watcher;
  readonly #listeners: Listeners;
  readonly #explainer: Explainer;

  constructor(transporter: Transporter, watcher: Watcher, listeners: Listeners) {
    this.#transporter = transporter;
    this.#watcher = watcher;
    this.#listeners = listeners;
    this.#explainer = new Explainer(transporter);
  }

  async get(id: JobId): Promise<Job | undefined> {
    return (await this.#transporter.get([checkedId(id)]))[0];
  }

  /** A flow without its jobs: `tree` and `list({ flowId })` have those. */
  async flow(id: JobId): Promise<Flow | undefined> {
    return await this.#transporter.flow(checkedId(id));
  }

  /** A flow with its stages, jobs and their children; undefined for an unknown one. */
  async tree(flowId: JobId): Promise<FlowTree | undefined> {
    const flow = await this.flow(flowId);
    if (flow === undefined) return undefined;
    const stages = await this.#transporter.sight.stages(flow.id);
    return flowTree(flow, stages, await this.members(flow.id));
  }

  /**
   * Jobs by id ascending, page by page: `after` is the last id of the page before; `limit` is 100 by default. By queue, status or
   * flow they are walked to, however many others there are; by name alone all of them are searched.
   */
  async list(query: Omit<JobQuery, "limit"> & { limit?: number } = {}): Promise<Job[]> {
    const limit = checkedInteger(query.limit ?? 100, "limit", 1, limits.batchJobsMax, "invalid_options");
    if (query.after !== undefined) checkedId(query.after);
    if (query.flowId !== undefined) checkedId(query.flowId);
    return await this.#transporter.list({ ...query, limit });
  }

  /**
   * Ids of jobs, newest first, page by page: `before` is the `next` of the page before. At most `limits.browseLooksMax` jobs are looked at,
   * so that a page may be short, or empty, and have a `next`.
   */
  async find(query: Omit<BrowseQuery, "looksMax"> & { looksMax?: number }): Promise<BrowsePage> {
    const { limit, looksMax = limits.browseLooksMax, before, flowId } = query;
    checkedInteger(limit, "limit", 1, limits.batchJobsMax, "invalid_options");
    checkedInteger(looksMax, "looksMax", 1, limits.browseLooksMax, "invalid_options");
    if (before !== undefined) checkedId(before);
    if (flowId !== undefined) checkedId(flowId);
    return await this.#transporter.browse.find({ ...query, looksMax });
  }

  /** Jobs without their inputs and results, in the order asked for; those that are not there are left out. */
  async briefs(ids: readonly JobId[]): Promise<JobBrief[]> {
    return await this.#transporter.browse.briefs(checkedIds(ids));
  }

  /** All jobs of a flow in short, by id, and its stages: what a tree of thousands is made of. */
  async flowMembers(flowId: JobId): Promise<{ jobs: FlowMember[]; stages: FlowStage[] }> {
    const id = checkedId(flowId);
    const [jobs, stages] = await Promise.all([
      this.#transporter.browse.members(id),
      this.#transporter.sight.stages(id),
    ]);
    return { jobs, stages };
  }

  /** Jobs that hold this unique key or wait for this wake key, newest first. */
  async byKey(key: string): Promise<JobId[]> {
    return await this.#transporter.browse.byKey(checkedKey(key, "key"));
  }

  /** What this manager has claimed, by id. */
  async claimedBy(manager: string, limit: number = limits.batchJobsMax): Promise<JobBrief[]> {
    return await this.#transporter.browse.claimedBy(checkedKey(manager, "manager"), limit);
  }

  /** What ended since this minute (ms since 1970 by the store's clock), as all managers have counted it up to 5 s ago; a day is kept. */
  async minutes(from: number): Promise<{ rows: MinuteRow[]; levels: MinuteLevel[] }> {
    return await this.#transporter.minutes.read(from);
  }

  /** What a job has told and printed, up to half a second ago; `after` is the last `seq` of the page before. */
  async logs(id: JobId, query: { after?: number; limit?: number } = {}): Promise<LogLine[]> {
    const limit = checkedInteger(query.limit ?? 100, "limit", 1, limits.batchJobsMax, "invalid_options");
    const after = query.after === undefined ? {} : { after: query.after };
    return await this.#transporter.logs.read({ jobId: checkedId(id), limit, ...after });
  }

  /** The store's clock, ms since 1970. */
  async now(): Promise<number> {
    return await this.#transporter.now();
  }

  /** Every attempt of a job that ended without `processed`, with its error and the priority it cost (L4, L10). */
  async attempts(id: JobId): Promise<Attempt[]> {
    return await this.#transporter.attempts(checkedId(id));
  }

  /** Why a job is not running, as a reason and as a sentence; undefined for an unknown one. */
  async why(id: JobId): Promise<Why | undefined> {
    return await this.#explainer.why(checkedId(id));
  }

  /** Jobs by queue, lane and status, and the oldest wait of each line: as cheap with a million jobs as with ten. */
  async counts(): Promise<QueueCounts[]> {
    return await this.#transporter.sight.counts();
  }

  /** Managers that run jobs on this store now, with what they run. One that died is among them for up to 30 s. */
  async managers(): Promise<ManagerSeen[]> {
    return await this.#transporter.sight.managers();
  }

  /** What the job's handler reported last, up to half a second ago; undefined when it never did. */
  async progress(id: JobId): Promise<JobProgress | undefined> {
    const found = await this.#transporter.sight.progress(checkedId(id));
    return found === undefined ? undefined : { value: JSON.parse(found.value), at: found.at };
  }

  /**
   * Resolves with the job when it is final, whichever manager runs it. Seen at once when this manager ends it, else within 2 s.
   *
   * @throws JobsError `wait_timed_out`, `job_not_found`, `manager_stopped`.
   */
  async finished(id: JobId, options: WaitOptions = {}): Promise<Job> {
    return await this.#watcher.job(checkedId(id), durationMs(options.timeout ?? waitMs, "timeout"));
  }

  /** As `finished`, of a flow. Its `onFailed` job is not waited for. */
  async flowFinished(id: JobId, options: WaitOptions = {}): Promise<Flow> {
    return await this.#watcher.flow(checkedId(id), durationMs(options.timeout ?? waitMs, "timeout"));
  }

  /**
   * The result of a processed job, waiting for it as `finished` does.
   *
   * @throws JobsError `job_not_processed` when it ended otherwise, and what `finished` throws.
   */
  async result<Result>(job: JobDefinition<any, Result>, id: JobId, options: WaitOptions = {}): Promise<Result> {
    const ended = await this.finished(id, options);
    if (ended.name !== job.name) {
      throw new JobsError(
        "invalid_options",
        `job ${id} is a ${JSON.stringify(ended.name)}, not a ${JSON.stringify(job.name)}: ask with its own definition`,
      );
    }
    if (ended.status !== "processed") {
      throw new JobsError(
        "job_not_processed",
        `job ${id} (${ended.name}) is ${ended.status} and has no result: ${ended.failure?.message ?? "no reason is kept"}`,
      );
    }
    // As its handler returned it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return (ended.result === undefined ? undefined : JSON.parse(ended.result)) as Result;
  }

  /**
   * Calls back for each event of this name that this manager tells: what the `log` option gets. What a listener throws is dropped.
   *
   * @returns the way to stop listening.
   */
  on<Name extends EventName>(name: Name, listener: (event: EventOf<Name>) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /** All jobs of a flow, its `onFailed` job included. */
  protected async members(flowId: JobId): Promise<Job[]> {
    const jobs: Job[] = [];
    for (;;) {
      const after = jobs.at(-1)?.id;
      const page = await this.#transporter.list({
        flowId,
        limit: limits.batchJobsMax,
        ...(after === undefined ? {} : { after }),
      });
      jobs.push(...page);
      if (page.length < limits.batchJobsMax) return jobs;
    }
  }
}
