import type { FlowStage, StageState } from "../transporters/sight.ts";
import type { Flow, Job, JobId, StagePolicy } from "./job.ts";

/** A flow with its jobs, as it can be shown (L6). */
export interface FlowTree extends Flow {
  stages: StageNode[];
  /** The job that is or would be enqueued when the flow fails. */
  onFailed?: Job;
}

/** A stage with its jobs, and their children below them. */
export interface StageNode {
  position: number;
  policy: StagePolicy;
  state: StageState;
  jobs: JobNode[];
}

/** A job and the stages below it: its children. */
export interface JobNode {
  job: Job;
  stages: StageNode[];
}

/** Puts the flat parts of a flow together; jobs in the order of their ids. What was pruned meanwhile is left out. */
export function flowTree(flow: Flow, stages: readonly FlowStage[], jobs: readonly Job[]): FlowTree {
  const nodes = new Map<JobId, JobNode>(jobs.map((job) => [job.id, { job, stages: [] }]));
  const tops: StageNode[] = [];
  const places = new Map<string, StageNode>();
  for (const stage of stages.toSorted((a, b) => a.position - b.position)) {
    const { position, policy, state, parentId } = stage;
    const node: StageNode = { position, policy, state, jobs: [] };
    places.set(placeOf(parentId, position), node);
    if (parentId === undefined) tops.push(node);
    else nodes.get(parentId)?.stages.push(node);
  }
  let onFailed: Job | undefined;
  for (const node of nodes.values()) {
    const { stage, parentId } = node.job;
    if (stage !== undefined) places.get(placeOf(parentId, stage))?.jobs.push(node);
    else if (node.job.id === flow.onFailedJobId) onFailed = node.job;
  }
  return { ...flow, stages: tops, ...(onFailed === undefined ? {} : { onFailed }) };
}

function placeOf(parentId: JobId | undefined, position: number): string {
  return `${parentId ?? ""}/${position}`;
}
