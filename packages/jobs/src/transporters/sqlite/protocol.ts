import type { Attempt, Flow, Job, JobId } from "../../core/job.ts";
import type {
  AmendResult,
  Change,
  ClaimRequest,
  ExpiredClaim,
  JobQuery,
  Lease,
  RenewState,
  SqlResult,
} from "../transporter.ts";
import type {
  MemoryAnswer,
  MemoryCondition,
  MemoryOperation,
  PermitAnswer,
  PermitLease,
  PermitRequest,
  ReleasedPermits,
} from "../permits.ts";
import type { Kept, Pruned } from "../keeping.ts";
import type { BrowsePage, BrowseQuery, FlowMember, JobBrief } from "../browse.ts";
import type { LogLine, NewLogLine } from "../logs.ts";
import type { MinuteLevel, MinuteRow } from "../minutes.ts";
import type {
  FlowStage,
  ManagerAsked,
  ManagerBeat,
  ManagerSeen,
  Progress,
  ProgressReport,
  QueueCounts,
} from "../sight.ts";
import type {
  Campaign,
  DueSchedules,
  Fired,
  FiredShard,
  Firing,
  Schedule,
  ScheduleChange,
  ScheduleSetting,
  Tick,
  TickQuery,
} from "../schedules.ts";
import type { QueueSettings } from "../../core/queue.ts";
import type { ConfiguredQueue } from "../queues.ts";
import type { WireError } from "./errors.ts";
import type { HostIdentity } from "./location.ts";
import type { Added, Item } from "./operations/items.ts";
import type { SentSettlements, SettledBatch } from "./settlements.ts";

/** What the event loop asks of the threads, and what they answer. Everything here is cloned between them. */
export interface Operations {
  enqueue: { args: [items: Item[]]; result: Added[] };
  /** As JSON, for `claimedOf`. */
  claim: { args: [requests: ClaimRequest[], manager: string]; result: string[] };
  settle: { args: [batch: SentSettlements]; result: SettledBatch };
  renew: { args: [leases: Lease[]]; result: RenewState[] };
  promote: { args: [limit: number]; result: { promoted: number; nextInMs?: number } };
  wake: { args: [keys: string[]]; result: number };
  amend: { args: [ids: JobId[], change: Change]; result: AmendResult[] };
  query: { args: [sql: string, params: readonly unknown[]]; result: SqlResult };
  expired: { args: [limit: number]; result: ExpiredClaim[] };
  configure: { args: [queue: string, change: Partial<QueueSettings>]; result: QueueSettings };
  queues: { args: []; result: ConfiguredQueue[] };
  get: { args: [ids: JobId[]]; result: Job[] };
  list: { args: [query: JobQuery]; result: Job[] };
  attempts: { args: [id: JobId]; result: Attempt[] };
  flow: { args: [id: JobId]; result: Flow | undefined };
  acquire: { args: [requests: PermitRequest[]]; result: PermitAnswer[] };
  renewPermits: { args: [leases: PermitLease[]]; result: ("renewed" | "lost")[] };
  releasePermits: { args: [tickets: string[]]; result: ReleasedPermits };
  applyMemory: { args: [operations: MemoryOperation[], condition: MemoryCondition]; result: MemoryAnswer };
  counts: { args: []; result: QueueCounts[] };
  stages: { args: [flowId: JobId]; result: FlowStage[] };
  beat: { args: [manager: ManagerBeat, ttlMs: number]; result: ManagerAsked };
  ask: { args: [manager: string, asked: ManagerAsked]; result: boolean };
  leave: { args: [manager: string]; result: undefined };
  managers: { args: []; result: ManagerSeen[] };
  reportProgress: { args: [reports: ProgressReport[]]; result: undefined };
  progress: { args: [id: JobId]; result: Progress | undefined };
  find: { args: [query: BrowseQuery]; result: BrowsePage };
  briefs: { args: [ids: readonly JobId[]]; result: JobBrief[] };
  members: { args: [flowId: JobId]; result: FlowMember[] };
  byKey: { args: [key: string]; result: JobId[] };
  claimedBy: { args: [manager: string, limit: number]; result: JobBrief[] };
  putMinutes: { args: [manager: string, rows: readonly MinuteRow[], level?: number]; result: undefined };
  readMinutes: { args: [from: number]; result: { rows: MinuteRow[]; levels: MinuteLevel[] } };
  addLines: { args: [lines: readonly NewLogLine[]]; result: undefined };
  readLines: { args: [query: { jobId: JobId; after?: number; limit: number }]; result: LogLine[] };
  prune: { args: [kept: Kept, limit: number]; result: Pruned };
  scheduleDefine: { args: [schedules: ScheduleSetting[], wantedMs: number]; result: undefined };
  scheduleWant: { args: [names: string[], wantedMs: number]; result: undefined };
  scheduleDue: { args: [limit: number]; result: DueSchedules };
  scheduleFire: { args: [firings: Firing[]]; result: Fired[] };
  scheduleFireNow: { args: [schedule: string, shards?: number[]]; result: FiredShard[] | undefined };
  scheduleChange: { args: [schedule: string, change: ScheduleChange]; result: boolean };
  scheduleList: { args: [query: { name?: string; after?: string; limit: number }]; result: Schedule[] };
  scheduleTicks: { args: [query: TickQuery]; result: Tick[] };
  seatTaken: { args: [seat: string, manager: string]; result: Campaign | undefined };
  campaign: { args: [seat: string, manager: string, leaseMs: number]; result: Campaign };
  resign: { args: [seat: string, manager: string]; result: undefined };
  begin: { args: []; result: undefined };
  commit: { args: []; result: undefined };
  rollback: { args: []; result: undefined };
}

export type OperationName = keyof Operations;

/** `tx`: inside this interactive transaction; for `begin`, the number that it gets. */
export type Request = {
  [K in OperationName]: { id: number; op: K; args: Operations[K]["args"]; clockOffsetMs: number; tx?: number };
}[OperationName];

export type Reply = { id: number; value: unknown } | { id: number; error: WireError };

/** Whether somebody listens for ready jobs, and where others may ring. */
export type Listening = { on: false } | { on: true; ear: string | undefined };

export type ToThread = { requests: Request[] } | { listen: Listening } | { close: true };

export type FromThread =
  | { started: true }
  | { refused: WireError }
  | { replies: Reply[]; ready: string[] }
  /** An interactive transaction ran out of time and was rolled back. */
  | { expired: number };

export interface ThreadData {
  role: "writer" | "reader";
  path: string;
  host: HostIdentity;
  busyTimeoutMs: number;
  pollMs: number;
  transactionMsMax: number;
}
