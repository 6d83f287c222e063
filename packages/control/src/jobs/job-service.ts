import {
  jobStatuses,
  ProvostError,
  type FlowPage,
  type JobCounts,
  type JobDetail,
  type JobFilter,
  type JobFlow,
  type JobLogLine,
  type JobsOverview,
  type JobStatusName,
  type JobView,
  type JobWhy,
  type Listed,
} from "@provost/contract";
import type { Job, JobBrief, JobManager, Reason } from "@provost/jobs";
import { asked } from "./asked.ts";
import { flowPage, flowView } from "./flow-views.ts";
import { browseQuery, fits } from "./job-filter.ts";
import { jobDetail, jobView, logLineView } from "./job-views.ts";
import { Overview } from "./overview.ts";

export interface JobQuery extends JobFilter {
  id?: string | undefined;
  key?: string | undefined;
  after?: string | undefined;
  limit: number;
}

/** A count of a status goes on to here where it has to look for a name or a priority (L14). */
const countMax = 1_000;
const countLooksMax = 2_000;
const attemptsShown = 1_000;

/** What can be seen of jobs (L15), in the words of the API. */
export class JobService {
  readonly #manager: JobManager;
  readonly #overview: Overview;

  constructor(manager: JobManager) {
    this.#manager = manager;
    this.#overview = new Overview(manager);
  }

  overview(): Promise<JobsOverview> {
    return this.#overview.now();
  }

  /** Newest first. @throws ProvostError `invalid_request`. */
  async list(query: JobQuery): Promise<Listed<JobView>> {
    const { id, key, after, limit, ...filter } = query;
    const wanted = browseQuery(filter);
    if (id !== undefined || key !== undefined) {
      const ids = key === undefined ? [id ?? ""] : await asked(this.#manager.byKey(key));
      const found = await asked(this.#manager.briefs(id === undefined ? ids : ids.filter((each) => each === id)));
      return { items: found.filter((job) => fits(job, wanted)).map(jobView) };
    }
    const before = after === undefined ? {} : { before: after };
    const page = await asked(this.#manager.find({ ...wanted, ...before, limit }));
    const jobs = await this.#manager.briefs(page.ids);
    // Since the first look one may have gone on to another status.
    const items = jobs.filter((job) => fits(job, wanted)).map(jobView);
    return page.next === undefined ? { items } : { items, next: page.next };
  }

  /**
   * From kept counters where they say it, exact at any number; where a name or a priority is asked for, by a look at some
   * thousand jobs of each status.
   */
  async counts(filter: JobFilter): Promise<JobCounts> {
    const query = browseQuery(filter);
    if (query.flowId !== undefined) return this.#countsOfFlow(query.flowId, query);
    const lines = await this.#manager.counts();
    const kept = (status: JobStatusName): number =>
      lines
        .filter(({ queue }) => query.queue === undefined || queue === query.queue)
        .reduce((sum, { counts }) => sum + counts[status], 0);
    const counted = await Promise.all(
      jobStatuses.map(async (status): Promise<[JobStatusName, JobCounts["failed"]]> => {
        if (query.statuses?.includes(status) === false) return [status, { count: 0, capped: false }];
        const all = kept(status);
        const isKept = query.name === undefined && query.priority === undefined;
        if (isKept || all === 0) return [status, { count: all, capped: false }];
        const { ids, next } = await asked(
          this.#manager.find({ ...query, statuses: [status], limit: countMax, looksMax: countLooksMax }),
        );
        return [status, { count: ids.length, capped: next !== undefined }];
      }),
    );
    return { ...noJobs(), ...Object.fromEntries(counted) };
  }

  /** A flow has at most 10,000 jobs. */
  async #countsOfFlow(flowId: string, query: Parameters<typeof fits>[1]): Promise<JobCounts> {
    const counts = noJobs();
    const { jobs } = await asked(this.#manager.flowMembers(flowId));
    for (const job of jobs) if (fits({ ...job, flowId }, query)) counts[job.status].count += 1;
    return counts;
  }

  /** @throws ProvostError `job_not_found`. */
  async get(id: string): Promise<JobDetail> {
    const [job, attempts, progress] = await Promise.all([
      this.#job(id),
      asked(this.#manager.attempts(id)),
      asked(this.#manager.progress(id)),
    ]);
    return jobDetail(job, attempts.slice(-attemptsShown), progress);
  }

  /** Oldest first. @throws ProvostError `job_not_found`, `invalid_request`. */
  async logs(id: string, query: { after?: string | undefined; limit: number }): Promise<Listed<JobLogLine>> {
    const { limit } = query;
    const after = query.after === undefined ? {} : { after: checkedSeq(query.after) };
    await this.#job(id);
    const lines = await this.#manager.logs(id, { ...after, limit: limit + 1 });
    const items = lines.slice(0, limit).map(logLineView);
    const last = items.at(-1);
    return lines.length > limit && last !== undefined ? { items, next: String(last.seq) } : { items };
  }

  /** @throws ProvostError `job_not_found`. */
  async why(id: string): Promise<JobWhy> {
    const why = await asked(this.#manager.why(id));
    if (why === undefined) throw notFound(id);
    const { job, reason, sentence } = why;
    return {
      kind: reason.kind,
      sentence,
      status: job.status,
      heldBy: "heldBy" in reason ? reason.heldBy : [],
      limits: reason.kind === "limit" ? reason.limits : [],
      queue: job.queue,
      ...("manager" in reason ? { process: reason.manager } : {}),
      actions: actionsOf(job, reason),
    };
  }

  /** @throws ProvostError `job_not_found`, `flow_not_found`. */
  async flow(id: string): Promise<JobFlow> {
    const { flowId } = await this.#brief(id);
    const [flow, found, now] = await Promise.all([
      flowId === undefined ? undefined : this.#manager.flow(flowId),
      flowId === undefined ? undefined : this.#manager.flowMembers(flowId),
      this.#manager.now(),
    ]);
    if (flow === undefined || found === undefined) {
      throw new ProvostError("flow_not_found", `Job ${id} is in no flow: it was enqueued alone.`);
    }
    return flowView({ flow, ...found, now }, (ids) => this.#manager.briefs(ids));
  }

  /** @throws ProvostError `job_not_found`, `flow_not_found`. */
  async flowPage(id: string, stage: string, query: { after?: string | undefined; limit: number }): Promise<FlowPage> {
    const { flowId } = await this.#brief(id);
    const found = flowId === undefined ? undefined : await this.#manager.flowMembers(flowId);
    if (found === undefined || !found.stages.some((each) => each.id === stage)) {
      throw new ProvostError("flow_not_found", `Job ${id} is in no flow with a stage ${JSON.stringify(stage)}.`);
    }
    return flowPage({ ...found, stage, ...query }, (ids) => this.#manager.briefs(ids));
  }

  /** Told of each job that this process has seen begin or end. */
  subscribe(listener: (job: { id: string; name: string }) => void): () => void {
    const told = ({ jobId, name }: { jobId: string; name: string }): void => listener({ id: jobId, name });
    const quiet = [this.#manager.on("attempt.started", told), this.#manager.on("attempt.settled", told)];
    return () => {
      for (const stop of quiet) stop();
    };
  }

  async #job(id: string): Promise<Job> {
    const job = await asked(this.#manager.get(id));
    if (job === undefined) throw notFound(id);
    return job;
  }

  async #brief(id: string): Promise<JobBrief> {
    const [job] = await asked(this.#manager.briefs([id]));
    if (job === undefined) throw notFound(id);
    return job;
  }
}

function noJobs(): JobCounts {
  return {
    waiting: { count: 0, capped: false },
    delayed: { count: 0, capped: false },
    queued: { count: 0, capped: false },
    in_progress: { count: 0, capped: false },
    processed: { count: 0, capped: false },
    failed: { count: 0, capped: false },
    cancelled: { count: 0, capped: false },
  };
}

export function notFound(id: string): ProvostError {
  return new ProvostError(
    "job_not_found",
    `There is no job ${JSON.stringify(id.slice(0, 40))}: it never was, or was pruned since it ended.`,
  );
}

/** What would be taken now, as far as the job's own state says. */
function actionsOf(job: Job, reason: Reason): JobWhy["actions"] {
  if (job.finishedAt !== undefined) return job.status === "processed" ? [] : ["retry"];
  if (job.status === "in_progress") return job.cancelRequested ? [] : ["cancel"];
  if (job.heldAt !== undefined) return ["unhold", "cancel"];
  return job.status === "waiting" || reason.kind === "gate" ? ["cancel"] : ["run-now", "cancel"];
}

function checkedSeq(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after);
  throw new ProvostError("invalid_request", `after is ${JSON.stringify(after)}: give \`next\` of the page before.`, {
    field: "after",
  });
}
