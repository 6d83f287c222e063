import type { Job, JobId, JobStatus } from "../core/job.ts";

/** A job without what may be long: its input and its result. */
export interface JobBrief extends Omit<Job, "input" | "result"> {
  /** Of jobs in a flow: as `FlowStage.id`. */
  stageId?: string;
}

/** A job of a flow, in short: flows have thousands. */
export type FlowMember = Pick<
  JobBrief,
  "id" | "name" | "queue" | "status" | "priority" | "startedAt" | "finishedAt" | "stageId"
>;

/** Which jobs to look for. What is left out may be anything. */
export interface BrowseQuery {
  statuses?: readonly JobStatus[];
  queue?: string;
  name?: string;
  priority?: number;
  flowId?: JobId;
  /** Keyset: jobs with a smaller id. */
  before?: JobId;
  limit: number;
  /** How many jobs may be looked at; more are not, however few were found. */
  looksMax: number;
}

/** `next`: all jobs from it up have been looked at; there may be more below. Absent when there are none. */
export interface BrowsePage {
  ids: JobId[];
  next?: JobId;
}

/** Jobs as people look through them, newest first (L15). Nothing here counts all rows, and every look is bounded. */
export interface BrowseStore {
  /**
   * Jobs by id descending. Statuses, queues and flows are walked to by their indexes; what is asked besides (a name, a priority) is
   * looked for on the way, at `looksMax` jobs at most, each stretch of an index having its part of them.
   */
  find(query: BrowseQuery): Promise<BrowsePage>;
  /** Those that exist, in the order asked for. */
  briefs(ids: readonly JobId[]): Promise<JobBrief[]>;
  /** All of a flow, by id: at most `limits.flowJobsMax`, and what was added by retries. */
  members(flowId: JobId): Promise<FlowMember[]>;
  /** What holds this unique key (of a flow: its jobs) or waits for this wake key, newest first, at most 100 of each. */
  byKey(key: string): Promise<JobId[]>;
  /** What this manager has claimed, by id. */
  claimedBy(manager: string, limit: number): Promise<JobBrief[]>;
}
