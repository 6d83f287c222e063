import type { Attempt, Flow, Job, JobFailure, JobId, JobStatus, Lane, StagePolicy } from "../core/job.ts";
import type { DirectRefusal, QueueStore } from "./queues.ts";
import type { MemoryStore, PermitLease, PermitStore } from "./permits.ts";
import type { KeepingStore } from "./keeping.ts";
import type { BrowseStore } from "./browse.ts";
import type { LogStore } from "./logs.ts";
import type { MinuteStore } from "./minutes.ts";
import type { SightStore } from "./sight.ts";
import type { LeaderSeat, ScheduleStore } from "./schedules.ts";

/**
 * Where jobs live and how they move. Each method is a batch, one atomic act, and (but for flows on some stores) one round
 * trip. A Transporter stores and moves; what an outcome *means* (next priority, next time, failure) is computed by the
 * manager with the pure functions of `core/` and applied here by compare-and-set.
 *
 * Rules for every implementation:
 * - Managers send durations; instants are made from the store's own clock plus `clockOffsetMs`, which only tests set.
 * - Ready, delayed, waiting, running and finished jobs are found by different roads: a claim touches ready ones only (L2).
 * - A method that throws has changed nothing. Connection loss throws `store_unavailable`; the caller may repeat any
 *   method but `enqueue` of jobs without a unique key.
 * - A promise resolves only after the change is as durable as `capabilities.durableAck` says (L11).
 */
export interface Transporter {
  readonly capabilities: TransporterCapabilities;

  /** Opens the store and brings its tables up to date, under a lock. Safe to call twice. Throws `store_*`, `migration_failed`. */
  start(): Promise<void>;
  /** Ends connections and threads. Awaited, safe to call twice. */
  stop(): Promise<void>;

  /** The store's clock, ms since 1970, offset included. */
  now(): Promise<number>;
  /** Tests only: shifts the store's clock for this Transporter's calls. */
  setClockOffset(offsetMs: number): void;

  /**
   * Adds jobs and flows, all or none (L11). Ids are given in order. A flow's first stage, or root, gets ready or delayed;
   * all behind it `waiting`. A unique key held by an unfinished job makes that item `existing` and adds nothing for it (L17), unless its
   * `onClash` says otherwise: throws `unique_key_taken` with the holder in its details, or replaces.
   */
  enqueue(items: NewItem[], options?: { tx?: Tx }): Promise<Enqueued[]>;

  /**
   * Takes ready jobs in the order of L1, at most `limit` for each request; each gets a new fence and a lease (L3). A request takes
   * directed jobs of its lane and names first, whatever their queue (L5). Of a queue with limits no
   * more is taken than they leave, on all hosts together (L14).
   */
  claim(requests: ClaimRequest[], manager: string): Promise<Claimed[]>;

  /**
   * Ends attempts (L3). Each is applied only if the job is `in_progress` with this fence; `retry` and `defer` also only if
   * the version is unchanged, so that a cancel or priority given meanwhile is never overwritten. With `expiredOnly` (the
   * rescuer) also only if the lease has run out. Applied in the same act: gates opened, descendants failed, the flow ended
   * and its `onFailed` job enqueued (L6), the unique key freed, the ended attempt recorded, `enqueue` items of a processed one added.
   */
  settle(settlements: Settlement[]): Promise<SettleResult[]>;

  /** Extends leases of started attempts (L9), and marks them started. `cancel`: renewed, but the job is asked to end. */
  renew(leases: Lease[]): Promise<RenewState[]>;

  /** Attempts whose lease has run out, oldest first, as their claimant saw them: the rescuer settles them with `expiredOnly` (L9). */
  expired(limit: number): Promise<ExpiredClaim[]>;

  /** Makes due delayed jobs ready. `nextInMs`: until the next one is due, undefined when none is delayed. Idempotent, any manager may call it. */
  promote(limit: number): Promise<{ promoted: number; nextInMs?: number }>;

  /**
   * L7. Jobs with this wake key become ready when delayed; one in progress is made ready at its release. A wake that finds
   * no unfinished job with its key is kept (`limits.wakeKeptMs`) for the first release that names the key. Returns the number of jobs met.
   * Inside a transaction it takes effect with the commit, and no release may slip between.
   */
  wake(keys: string[], options?: { tx?: Tx }): Promise<number>;

  /** Acts of people on jobs; final jobs refuse (L5, L6, L10). */
  amend(ids: JobId[], change: Change, options?: { tx?: Tx }): Promise<AmendResult[]>;

  get(ids: JobId[]): Promise<Job[]>;
  list(query: JobQuery): Promise<Job[]>;
  attempts(id: JobId): Promise<Attempt[]>;
  flow(id: JobId): Promise<Flow | undefined>;

  /** The notifier: hints that jobs may be ready in these queues. May be lost, doubled or late; never the truth. Returns the way to unsubscribe. */
  onReady(listener: (queues: string[]) => void): () => void;

  /**
   * Present where the hints of other processes may not get through (a pooler between). The listener is called once, when it is known that they do
   * not: what others enqueue is found by polling then. Returns the way to unsubscribe.
   */
  onDeaf?(listener: () => void): () => void;

  /** What can be told of jobs besides running them (L15). */
  readonly sight: SightStore;
  /** Jobs as people look through them (L15). */
  readonly browse: BrowseStore;
  /** The last day, minute by minute (L15). */
  readonly minutes: MinuteStore;
  /** What jobs have told (L15). */
  readonly logs: LogStore;
  /** What becomes of what has ended (L17). */
  readonly keeping: KeepingStore;

  /** Pause, limits, weights, aging (L2, L14, L16). */
  readonly queues: QueueStore;

  /** Present where leases can be renewed from another thread, over a connection of its own (L9). Read after `start`. */
  readonly remote?: RemoteRenewal;

  /** Recurring jobs (L13). */
  readonly schedules: ScheduleStore;
  /** Who of many managers does what needs doing once. */
  readonly leader: LeaderSeat;

  /** Semaphores of all hosts (L12). */
  readonly permits: PermitStore;
  /** Memory shared by all hosts (L12). */
  readonly memory: MemoryStore;

  /** Present where `capabilities.sql`: the same connections for the caller's own tables (L11). */
  readonly sql?: SqlAccess;
}

/** How a thread opens its own way to the store, for renewals only: a blocked event loop keeps its leases by it (L9). */
export interface RemoteRenewal {
  /** URL of a module that exports `openRenewer(options): Promise<Renewer>`. */
  module: string;
  /** Cloned to the thread. May hold credentials: never logged. */
  options: unknown;
}

/** What a thread renews leases by, over a connection of its own (L9). */
export interface Renewer {
  /** As `Transporter.renew`. */
  renew(leases: Lease[]): Promise<RenewState[]>;
  /** As `PermitStore.renew` (L12). */
  renewPermits(leases: PermitLease[]): Promise<("renewed" | "lost")[]>;
  /** Defers, at no cost, what was claimed and not begun (L4): as `Transporter.settle` does. What is not ours any more stays as it is. */
  giveBack(claims: Pick<Claimed, "id" | "fence" | "version">[]): Promise<void>;
  close(): Promise<void>;
}

/** What a store promises and can do; differences are named here, never guessed from its kind. */
export interface TransporterCapabilities {
  /** What resolved is on disk. False: a crash may lose the last `lossWindowMs` (L11). */
  durableAck: boolean;
  lossWindowMs: number;
  /** `enqueue`, `wake` and `amend` can join a transaction. */
  transactions: boolean;
  /** Jobs can be claimed by managers on other hosts. */
  manyHosts: boolean;
  sql: "sqlite" | "postgres" | false;
}

/** The store's connections, lent to the caller. */
export interface SqlAccess {
  /** One statement outside any transaction; placeholders as the dialect has them (`?` or `$1`). */
  query(sql: string, params?: readonly unknown[]): Promise<SqlResult>;
  /**
   * Runs `fn` in one write transaction: commits when it resolves, rolls back when it rejects. On SQLite it holds the only
   * writer, so it must be short: past `limits.transactionMsMax` it is rolled back with `transaction_expired`.
   */
  transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
}

/** An open transaction: this store's own, or one made from the caller's own handle (`fromPgClient`, `fromDatabaseSync`). */
export interface Tx {
  query(sql: string, params?: readonly unknown[]): Promise<SqlResult>;
}

/** Rows of a query, or the number of rows it has changed. */
export interface SqlResult {
  rows: Record<string, unknown>[];
  /** Rows changed by an INSERT, UPDATE or DELETE. */
  changes: number;
}

/** All defaults are filled in and all bounds checked by the manager before it gets here. */
export interface NewJob {
  name: string;
  queue: string;
  lane: Lane;
  /** JSON text. */
  input: string;
  priority: number;
  attempts: number;
  timeoutMs: number;
  delayMs: number;
  uniqueKey?: string;
  /** How long the key is held when the job is final (L17); not at all by default. In a flow that is the flow's to say. */
  uniqueKeptMs?: number;
  /** When the key is held: the enqueue is refused with `unique_key_taken`, or the holder replaced; by default it is kept (L17). */
  onClash?: "reject" | "replace";
  /** Known before the first attempt: a wake that comes earlier is not lost (L7). */
  wakeKey?: string;
  /** What the queue's `keyConcurrency` counts by (L14). */
  limitKey?: string;
}

/**
 * A tree, flat: `stages[k].parent` is an index into `jobs`, or undefined for the stages at the top, which have no parent.
 * Stages of one parent come in their order. A job's parent stands before it in `jobs`.
 */
export interface NewFlow {
  jobs: (NewJob & { stage: number })[];
  stages: { parent?: number; policy: StagePolicy }[];
  onFailed?: NewJob;
  /** Holds for the whole flow: until it has ended. */
  uniqueKey?: string;
  /** How long the key is held when the flow has ended (L17). */
  uniqueKeptMs?: number;
  /** As a job's. */
  onClash?: "reject";
}

/** What is enqueued: a job of its own, or a flow. */
export type NewItem = { job: NewJob } | { flow: NewFlow };

/**
 * `ids` of a flow are in the order of its `jobs`; `flowId` names it. For `existing`, those of the job or flow that holds the key; for
 * `replaced`, that of the job, which has never been started and is now what was enqueued.
 */
export interface Enqueued {
  state: "added" | "existing" | "replaced";
  ids: JobId[];
  flowId?: JobId;
}

/** What a manager has slots for: jobs of one queue and lane (L1, L8). */
export interface ClaimRequest {
  queue: string;
  lane: Lane;
  /** Jobs this manager has handlers for. */
  names: string[];
  limit: number;
  leaseMs: number;
  /** False for prefetched jobs: unstarted ones go back free of charge when the lease ends (L4, L9). */
  started: boolean;
}

/** What an attempt needs to know: enough to run it, and to compute any outcome of it without another look. */
export interface Claimed {
  id: JobId;
  name: string;
  queue: string;
  lane: Lane;
  input: string;
  fence: number;
  version: number;
  basePriority: number;
  priority: number;
  attempts: number;
  attemptsUsed: number;
  crashes: number;
  errors: number;
  timeoutMs: number;
  cancelRequested: boolean;
  createdAt: number;
  readyAt: number;
  flowId?: JobId;
  parentId?: JobId;
  wakeKey?: string;
  /** It was directed, and may be of a queue that was not asked for (L5). Ends with the attempt, unless that is deferred. */
  directed?: true;
}

/** `started` false: an unstarted claim ran out; it costs nothing (L4). */
export interface ExpiredClaim extends Claimed {
  started: boolean;
  claimedBy: string;
}

/** A lease to be renewed, of the claim with this fence (L9). */
export interface Lease {
  id: JobId;
  fence: number;
  leaseMs: number;
}

/** `lost`: another claim holds the job, or it has ended. `cancel`: renewed, but it is asked to end. */
export type RenewState = "renewed" | "lost" | "cancel";

/** The end of an attempt, proven by its fence (L3). */
export interface Settlement {
  id: JobId;
  fence: number;
  version: number;
  outcome: Outcome;
  expiredOnly?: boolean;
  /** Of a prefetched claim that has begun without a renewal since: ms ago. It counts as started from then on (L4). */
  startedMs?: number;
}

/** How an attempt ends, with all that it means for its job already computed. */
export type Outcome =
  | { kind: "processed"; result?: string; enqueue?: NewItem[] }
  | {
      /** Comes back after `delayMs`, or at the wake of `wakeKey`: at once if that wake has come already. */
      kind: "retry";
      cause: "released" | "error" | "timeout" | "crashed" | "lost";
      delayMs: number;
      priority: number;
      attemptsUsed: number;
      crashes: number;
      errors: number;
      wakeKey?: string;
      failure?: JobFailure;
    }
  /** Could not even try: neither attempts nor priority change (L4). */
  | { kind: "defer"; delayMs: number; wakeKey?: string }
  | {
      kind: "failed";
      cause: "released" | "error" | "timeout" | "crashed" | "lost";
      attemptsUsed: number;
      crashes: number;
      errors: number;
      failure: JobFailure;
    }
  | { kind: "cancelled"; failure: JobFailure };

/** `fence`: another claim holds the job, or it is not in progress any more. `version`: recompute from `current` and settle again. */
export type SettleResult =
  | { state: "applied" }
  | { state: "refused"; why: "fence" | "not-expired" }
  | { state: "refused"; why: "version"; current: Claimed };

export type Change =
  /** What runs is asked to end; what does not is cancelled at once: its descendants, which can never start, fail by it (L6). */
  | ({ kind: "cancel"; reason: string } & WithDescendants)
  /** Sets base and current priority. */
  | ({ kind: "priority"; priority: number } & WithDescendants)
  /** To another queue, in the same lane, its depth limit aside. What runs is refused: it is on its way already. */
  | { kind: "move"; queue: string }
  /** Not to be started until `unhold`, whatever its status becomes; what runs is held from its end on. Takes a direction back. */
  | ({ kind: "hold" } & WithDescendants)
  | ({ kind: "unhold" } & WithDescendants)
  /**
   * A failed or cancelled job gets a fresh budget and its base priority back (L4, L10). In a flow that has ended this reopens the
   * flow: the descendants and later stages that failed because of it wait again.
   */
  | { kind: "retry" }
  /** Run now (L5): ready at once and ahead of all others of its lane, past delay, priority, pause and rate. Refused with `why`. */
  | { kind: "direct" }
  /** The administrator's exception to L6: the job's own gate counts as opened. `by` is kept with the job. */
  | { kind: "force-gate"; by: string };

/** L6. The job first, then all below it that are unfinished, by id. */
export interface WithDescendants {
  descendants?: boolean;
}

/**
 * `requested`: it runs, and is asked to end. `refused`: with its status, and why where that is not enough. `descendants`: how many
 * of those below it were changed; one that is final itself is `applied` when there are any.
 */
export type AmendResult =
  | { state: "applied"; descendants?: number }
  | { state: "requested"; descendants?: number }
  | { state: "refused"; status: JobStatus | "unknown"; why?: DirectRefusal };

/** Which jobs to list. */
export interface JobQuery {
  queue?: string;
  name?: string;
  status?: JobStatus;
  flowId?: JobId;
  /** Keyset: jobs with a greater id. */
  after?: JobId;
  limit: number;
}
