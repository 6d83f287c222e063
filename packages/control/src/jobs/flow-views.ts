import type { FlowNodeView, FlowPage, FlowStageView, JobFlow, JobStatusName } from "@provost/contract";
import type { Flow, FlowMember, FlowStage, JobBrief, JobId, JobStatus } from "@provost/jobs";
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

/** What is listed is read whole, the rest in short. */
type Read = (ids: JobId[]) => Promise<JobBrief[]>;

/** A flow's stages and jobs, by what stands below what. */
class Tree {
  readonly #under: Map<string | undefined, FlowStage[]>;
  readonly #in: Map<string | undefined, FlowMember[]>;

  constructor(stages: readonly FlowStage[], jobs: readonly FlowMember[]) {
    this.#under = Map.groupBy(stages, ({ parentId }) => parentId);
    this.#in = Map.groupBy(jobs, ({ stageId }) => stageId);
  }

  /** Of a job; at the top without one. Without their jobs. */
  under(parentId?: string): FlowStageView[] {
    return (this.#under.get(parentId) ?? [])
      .toSorted((a, b) => a.position - b.position)
      .map((stage) => this.#stage(stage));
  }

  /** By id. */
  in(stageId: string): FlowMember[] {
    return this.#in.get(stageId) ?? [];
  }

  node(job: JobBrief): FlowNodeView {
    return { ...nodeOf(job), stages: this.under(job.id) };
  }

  #stage({ id, position, policy, state }: FlowStage): FlowStageView {
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
export async function flowView(
  { flow, stages, jobs, now }: { flow: Flow; stages: readonly FlowStage[]; jobs: readonly FlowMember[]; now: number },
  read: Read,
): Promise<JobFlow> {
  const tree = new Tree(stages, jobs);
  let left = flowJobsShown;
  const tops = tree.under();
  let level = tops;
  while (level.length > 0 && left > 0) {
    const chosen = new Map<string, FlowMember[]>();
    for (const { id } of level) {
      const shown = tree
        .in(id)
        .toSorted((a, b) => order[a.status] - order[b.status] || Number(a.id) - Number(b.id))
        .slice(0, Math.min(stageJobsShown, left));
      left -= shown.length;
      chosen.set(id, shown);
    }
    const nodes = await nodesOf([...chosen.values()].flat(), tree, read);
    for (const stage of level) {
      const shown = chosen.get(stage.id) ?? [];
      stage.jobs = shown.flatMap(({ id }) => nodes.get(id) ?? []);
      if (shown.length === tree.in(stage.id).length) delete stage.next;
    }
    level = level.flatMap((stage) => stage.jobs.flatMap((node) => node.stages));
  }
  const onFailed = jobs.filter(({ id }) => id === flow.onFailedJobId);
  const [last] = (await nodesOf(onFailed, tree, read)).values();
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
    ...(last === undefined ? {} : { onFailed: last }),
  };
}

/** By id, so that pages meet whatever happens to the jobs meanwhile. */
export async function flowPage(
  query: {
    stages: readonly FlowStage[];
    jobs: readonly FlowMember[];
    stage: string;
    after?: string | undefined;
    limit: number;
  },
  read: Read,
): Promise<FlowPage> {
  const { stages, jobs, stage, after = "0", limit } = query;
  const tree = new Tree(stages, jobs);
  const rest = tree.in(stage).filter(({ id }) => Number(id) > Number(after));
  const shown = rest.slice(0, limit);
  const items = [...(await nodesOf(shown, tree, read)).values()];
  const last = shown.at(-1);
  return rest.length > limit && last !== undefined ? { items, next: last.id } : { items };
}

/** In the order asked for. */
async function nodesOf(jobs: readonly FlowMember[], tree: Tree, read: Read): Promise<Map<JobId, FlowNodeView>> {
  const briefs = jobs.length === 0 ? [] : await read(jobs.map(({ id }) => id));
  return new Map(briefs.map((job) => [job.id, tree.node(job)]));
}

function nodeOf(job: JobBrief): Omit<FlowNodeView, "stages"> {
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
  };
}
