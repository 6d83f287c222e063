import type { JobId, Lane } from "../core/job.ts";
import type { MissedPolicy } from "../core/tick-plan.ts";

/**
 * The schedules of a store (L13). Each method is one atomic act. When a schedule is due is computed by managers from the
 * store's own clock, as `due` and `Transporter.now` tell it; that a tick is single is the store's doing.
 *
 * A run is a job of the schedule's name. Whatever ends it (settlement, rescue, cancel) moves its tick in the log, and when
 * it is processed its shard's cursor, in the same act.
 */
export interface ScheduleStore {
  /**
   * What code says of its schedules, at a manager's start. New ones are added; those known with other rules are changed, and get
   * the given `nextDueAt` when their timing is another; unchanged ones keep theirs, so that ticks missed meanwhile are seen.
   * Paused ones stay paused. Cursors stay.
   */
  define(schedules: ScheduleSetting[], wantedMs: number): Promise<void>;

  /** Somebody has these in its code for so long: what nobody wants any more does not tick. */
  want(names: string[], wantedMs: number): Promise<void>;

  /** Schedules that have come due: neither paused nor unwanted, the longest due first. `nextInMs`: until the next one is. */
  due(limit: number): Promise<DueSchedules>;

  /**
   * Fires ticks: logs each once by (schedule, shard, due time), whatever other managers believe, and enqueues its run unless
   * `runsMax` runs of the shard are unfinished. Answered `moved` and not done when the schedule is no longer as `due` told it.
   */
  fire(firings: Firing[]): Promise<Fired[]>;

  /** A run by hand, due now by the store's clock, of the given shards or all; also of a paused schedule. Undefined when there is none of that name. */
  fireNow(schedule: string, shards?: number[]): Promise<FiredShard[] | undefined>;

  /** False when there is none of that name. */
  change(schedule: string, change: ScheduleChange): Promise<boolean>;

  /** By name ascending; those with a greater name than `after`. */
  list(query: { name?: string; after?: string; limit: number }): Promise<Schedule[]>;

  /** The log, latest due first; bounded by `limits.ticksKept` for each shard. */
  ticks(query: TickQuery): Promise<Tick[]>;
}

/** A schedule as code has it, for the store to keep (L13). */
export interface ScheduleSetting {
  name: string;
  /** Text that means the same to every manager; compared, never read by the store. */
  timing: string;
  shards: number;
  runsMax: number;
  missed: MissedPolicy;
  queue: string;
  lane: Lane;
  priority: number;
  timeoutMs: number;
  nextDueAt?: number;
}

/** A schedule whose next tick has come. */
export interface DueSchedule {
  name: string;
  timing: string;
  missed: MissedPolicy;
  dueAt: number;
  /** Grows with each change of the schedule. */
  version: number;
}

/** What is due, and when to look again. */
export interface DueSchedules {
  /** By the store's clock, at the look. */
  now: number;
  schedules: DueSchedule[];
  nextInMs?: number;
}

/** What to do about one due schedule; see `TickPlan`. */
export interface Firing {
  schedule: string;
  version: number;
  dueAt?: number;
  /** Logged as missed, for each shard. */
  missed: number[];
  nextDueAt?: number;
}

/** What a store has made of a tick, shard by shard. `moved`: another has fired it, or it has changed since the look. */
export type Fired = { state: "moved" } | { state: "fired"; shards: FiredShard[] };

/** `started`: enqueued. `skipped`: its last runs have not ended. `existing`: that tick has been fired before. */
export type FiredShard =
  | { shard: number; state: "started"; jobId: JobId }
  | { shard: number; state: "skipped" | "existing" };

/** Acts of people on a schedule. */
export type ScheduleChange =
  | { kind: "pause" }
  /** Ticks of the pause are not missed ones: it goes on with `nextDueAt`. */
  | { kind: "resume"; nextDueAt?: number }
  /** With its cursors and log; runs under way go on. */
  | { kind: "remove" };

/** A schedule as it can be read: its rule, when it is due, and where its shards stand. */
export interface Schedule {
  name: string;
  timing: string;
  shards: number;
  runsMax: number;
  missed: MissedPolicy;
  queue: string;
  lane: Lane;
  priority: number;
  timeoutMs: number;
  /** `unwanted`: no manager has it in its code any more; it does not tick, and keeps its cursors. */
  state: "active" | "paused" | "unwanted";
  nextDueAt?: number;
  /** By shard, as JSON text; undefined before the first processed run. */
  cursors: (string | undefined)[];
}

/** Which part of a schedule's log. */
export interface TickQuery {
  schedule: string;
  shard?: number;
  /** Due before this. */
  before?: number;
  limit: number;
}

/** One line of the log. Instants are the store's, ms since 1970. */
export interface Tick {
  schedule: string;
  shard: number;
  dueAt: number;
  /** When it was fired, or logged as missed. */
  firedAt: number;
  /** `fired`: its run has not ended. `skipped`: the run before had not ended. `missed`: nobody fired it in time. */
  outcome: "fired" | "processed" | "failed" | "cancelled" | "skipped" | "missed";
  /** Of the run: `get` has its failure, as long as the job is kept. */
  jobId?: JobId;
  startedAt?: number;
  finishedAt?: number;
  /** How late the run started: `startedAt - dueAt`. */
  lagMs?: number;
  /** JSON text. */
  cursorBefore?: string;
  cursorAfter?: string;
}

/** The leader (L13): a seam of its own, so that one manager of many does what needs doing once. It saves work; no law depends on it. */
export interface LeaderSeat {
  /**
   * Takes or keeps the seat of this name for `leaseMs`. Not leading: another does, for `retryInMs` more unless it campaigns
   * again. `fence` grows with each change of the leader.
   */
  campaign(seat: string, manager: string, leaseMs: number): Promise<Campaign>;

  /** Gives the seat up, if this manager has it: the next campaign of another wins. */
  resign(seat: string, manager: string): Promise<void>;
}

/** What a manager is told that asks to lead. */
export type Campaign = { leading: true; fence: number } | { leading: false; fence: number; retryInMs: number };
