import type { FlowNodeView, FlowPage, FlowStageView, JobFlow, JobStatusName } from "@provost/contract";
import type { Flow, FlowStage, JobBrief, JobStatus } from "@provost/jobs";
import { iso } from "../storage/rows.ts";
import { shortFailure } from "./job-views.ts";

/** Jobs listed of one stage, and of a whole flow: a flow of 10,000 is told by its stages' counts (L14). */
const stageJobsShown = 50;
const flowJobsShown = 500;

const order: Record<JobStatus, number> = {
  failed: 0,
  in_progress: 1,
  cancelled: 2,
  queued: 3,
  delayed: 3,
  waiting: 3,
  processed: 3,
};

/** A flow's stages and jobs, by what stands below what. */
class Tree {
  readonly #under: Map<string | undefined, FlowStage[]>;
  readonly #in: Map<string | undefined, JobBrief[]>;

  constructor(stages: readonly FlowStage[], jobs: readonly JobBrief[]) {
    this.#under = Map.groupBy(stages, ({ parentId }) => parentId);
    this.#in = Map.groupBy(jobs, ({ stageId }) => stageId);
  }

  /** Of a job; at the top without one. */
  under(parentId?: string): FlowStage[] {
    return (this.#under.get(parentId) ?? []).toSorted((a, b) => a.position - b.position);
  }

  /** By id. */
  in(stageId: string): JobBrief[] {
    return this.#in.get(stageId) ?? [];
  }

  /** Without its jobs. */
  stage({ id, position, policy, state }: FlowStage): FlowStageView {
    const jobs = this.in(id);
    const counts: Partial<Record<JobStatusName, number>> = {};
    let first = Infinity;
    let last = -Infinity;
    for (const { status, startedAt = Infinity, finishedAt = -Infinity } of jobs) {
      counts[status] = (counts[status] ?? 0) + 1;
      first = Math.min(first, startedAt);
      last = Math.max(last, finishedAt);
    }
    return {
      id,
      position,
      policy,
      state,
      counts,
      ...(first === Infinity ? {} : { firstStartedAt: iso(first) }),
      ...(last === -Infinity ? {} : { lastFinishedAt: iso(last) }),
      jobs: [],
      ...(jobs.length === 0 ? {} : { next: "0" }),
    };
  }
}

/** Level by level, so that what stands at the top is listed before what stands below it, until enough is. */
export function flowView(flow: Flow, stages: readonly FlowStage[], jobs: readonly JobBrief[], now: number): JobFlow {
  const tree = new Tree(stages, jobs);
  let left = flowJobsShown;
  const tops = tree.under().map((stage) => tree.stage(stage));
  let level = tops;
  while (level.length > 0) {
    const below: FlowStageView[] = [];
    for (const stage of level) {
      const all = tree.in(stage.id);
      const shown = all
        .toSorted((a, b) => order[a.status] - order[b.status] || Number(a.id) - Number(b.id))
        .slice(0, Math.min(stageJobsShown, left));
      left -= shown.length;
      stage.jobs = shown.map((job) => nodeView(job, tree));
      if (shown.length === all.length) delete stage.next;
      for (const node of stage.jobs) below.push(...node.stages);
    }
    level = below;
  }
  const onFailed = jobs.find(({ id }) => id === flow.onFailedJobId);
  return {
    id: flow.id,
    status: flow.status,
    jobs: jobs.length,
    ...(flow.failedJobId === undefined ? {} : { failedJobId: flow.failedJobId }),
    ...(flow.failure === undefined ? {} : { failure: shortFailure(flow.failure) }),
    createdAt: iso(flow.createdAt),
    ...(flow.finishedAt === undefined ? {} : { finishedAt: iso(flow.finishedAt) }),
    now: iso(now),
    stages: tops,
    ...(onFailed === undefined ? {} : { onFailed: nodeView(onFailed, tree) }),
  };
}

/** By id, so that pages meet whatever happens to the jobs meanwhile. */
export function flowPage(
  stages: readonly FlowStage[],
  jobs: readonly JobBrief[],
  stage: string,
  { after = "0", limit }: { after?: string | undefined; limit: number },
): FlowPage {
  const tree = new Tree(stages, jobs);
  const rest = tree.in(stage).filter(({ id }) => Number(id) > Number(after));
  const items = rest.slice(0, limit).map((job) => nodeView(job, tree));
  const last = items.at(-1);
  return rest.length > limit && last !== undefined ? { items, next: last.id } : { items };
}

function nodeView(job: JobBrief, tree: Tree): FlowNodeView {
  return {
    id: job.id,
    name: job.name,
    status: job.status,
    queue: job.queue,
    priority: job.priority,
    attempts: job.attempts,
    attemptsUsed: job.attemptsUsed,
    createdAt: iso(job.createdAt),
    readyAt: iso(job.readyAt),
    ...(job.startedAt === undefined ? {} : { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt === undefined ? {} : { finishedAt: iso(job.finishedAt) }),
    ...(job.heldAt === undefined ? {} : { held: true }),
    ...(job.failure === undefined ? {} : { failure: shortFailure(job.failure) }),
    stages: tree.under(job.id).map((stage) => tree.stage(stage)),
  };
}
