import type { JobId, JobStatus, Lane, StagePolicy } from "../core/job.ts";

/** What a Transporter tells of its jobs (L15). Reads lock nothing; nothing here is needed to run a job. */
export interface SightStore {
  /** Jobs by queue, lane and status, from counters kept with every change: the cost does not grow with the backlog. */
  counts(): Promise<QueueCounts[]>;
  /** The gates of a flow, in the order of their ids; empty for an unknown one. */
  stages(flowId: JobId): Promise<FlowStage[]>;
  /** A manager says that it is there; it counts as gone when it has not said so for `ttlMs`. Answers what was asked of it. */
  beat(manager: ManagerBeat, ttlMs: number): Promise<ManagerAsked>;
  /** Asks a manager for something, until something else is asked; it hears of it with its next beat. False when there is none of that id. */
  ask(manager: string, asked: ManagerAsked): Promise<boolean>;
  /** A manager has stopped. */
  leave(manager: string): Promise<void>;
  /** Managers that are there, by id. */
  managers(): Promise<ManagerSeen[]>;
  /** Keeps the latest progress of attempts; of those that hold the job no more it is dropped (L3). At most `limits.batchJobsMax`. */
  reportProgress(reports: ProgressReport[]): Promise<void>;
  /** Of the latest attempt that reported some; kept until the job is pruned. */
  progress(id: JobId): Promise<Progress | undefined>;
}

/** A line: the jobs of one queue in one lane. */
export interface QueueCounts {
  queue: string;
  lane: Lane;
  counts: Record<JobStatus, number>;
  /** How long the one that waits longest has been ready; looked for among the 256 oldest that are `queued`. */
  oldestWaitMs?: number;
}

/** `blocked`: it can open no more, because of a failure before or above it. */
export type StageState = "waiting" | "open" | "passed" | "failed" | "blocked";

/** A stage of a flow, and what its gate is at (L6). */
export interface FlowStage {
  id: string;
  /** The job that the stage stands under; undefined at the top. */
  parentId?: JobId;
  /** The stage in which that job stands. */
  parentStageId?: string;
  /** Among the stages of its parent, from 0. */
  position: number;
  policy: StagePolicy;
  state: StageState;
  /** Of open stages: members that have not ended, or have something below them that has not. */
  unfinished: number;
}

/** By hand: to go on, to take no more jobs (`quiet`), to stop. */
export type ManagerAsked = "run" | "quiet" | "stop";

/** What a manager says of itself while it runs. */
export interface ManagerBeat {
  id: string;
  /** Jobs it has handlers for. */
  names: string[];
  /** Lines it claims from. */
  lines: { queue: string; lane: Lane }[];
  facts?: ManagerFacts;
}

/** How a manager is. */
export interface ManagerFacts {
  host: string;
  pid: number;
  /** Of its OS process. */
  rssBytes: number;
  slots: Record<Lane, number>;
  /** Slots in use. */
  running: Record<Lane, number>;
  /** It takes no more jobs. */
  quiet: boolean;
}

/** A manager that is there, by the store's clock. */
export interface ManagerSeen extends ManagerBeat {
  startedAt: number;
  seenAt: number;
  asked: ManagerAsked;
  /** It has the leader's seat (L13). */
  leads: boolean;
}

/** How far an attempt is, on its way to the store. */
export interface ProgressReport {
  id: JobId;
  fence: number;
  /** JSON text. */
  value: string;
}

/** How far an attempt was when it told last. */
export interface Progress {
  fence: number;
  /** JSON text. */
  value: string;
  at: number;
}
