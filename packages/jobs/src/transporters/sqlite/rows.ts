import type {
  Attempt,
  AttemptCause,
  Flow,
  FlowStatus,
  Job,
  JobFailure,
  JobId,
  JobStatus,
  Lane,
} from "../../core/job.ts";
import type { JobBrief } from "../browse.ts";

/** `jobs_job` as it is stored, but for the input. */
export interface JobRow {
  id: number;
  name: string;
  queue: string;
  lane: Lane;
  status: JobStatus;
  base_priority: number;
  priority: number;
  attempts: number;
  attempts_used: number;
  crashes: number;
  fence: number;
  version: number;
  timeout_ms: number;
  delay_ms: number;
  cancel_requested: number;
  woken: number;
  flow_id: number | null;
  parent_id: number | null;
  stage_id: number | null;
  ended_by: number | null;
  unique_key: string | null;
  wake_key: string | null;
  created_at: number;
  ready_at: number;
  started_at: number | null;
  lease_until: number | null;
  finished_at: number | null;
  claimed_by: string | null;
  directed: number | null;
  limit_key: string | null;
  limited: number;
  gate_forced_by: string | null;
  held_at: number | null;
  errors: number;
}

/** A job's row with what lives apart, but for its input and result. */
export interface BriefRow extends JobRow {
  failure: string | null;
  position: number | null;
}

export interface FullJobRow extends BriefRow {
  input: string;
  result: string | null;
}

export interface FlowRow {
  id: number;
  status: FlowStatus;
  failed_job_id: number | null;
  failure: string | null;
  on_failed_job_id: number | null;
  unique_key: string | null;
  created_at: number;
  finished_at: number | null;
}

export interface AttemptRow {
  job_id: number;
  fence: number;
  cause: AttemptCause;
  claimed_by: string;
  started_at: number;
  ended_at: number;
  priority_before: number;
  priority_after: number;
  failure: string | null;
}

/** The integer of an id; -1, which no row has, for text that is none. */
export function idNumber(id: JobId): number {
  return /^\d{1,16}$/.test(id) ? Number(id) : -1;
}

function failureOf(text: string | null): JobFailure | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this store only, from a JobFailure
  return text === null ? undefined : (JSON.parse(text) as JobFailure);
}

export function toJob(row: FullJobRow): Job {
  const job = { ...shared(row), input: row.input };
  return row.result === null ? job : { ...job, result: row.result };
}

export function toBrief(row: BriefRow): JobBrief {
  const brief = shared(row);
  return row.stage_id === null ? brief : { ...brief, stageId: String(row.stage_id) };
}

function shared(row: BriefRow): Omit<Job, "input" | "result"> {
  const failure = failureOf(row.failure);
  return {
    id: String(row.id),
    name: row.name,
    queue: row.queue,
    lane: row.lane,
    status: row.status,
    basePriority: row.base_priority,
    priority: row.priority,
    attempts: row.attempts,
    attemptsUsed: row.attempts_used,
    crashes: row.crashes,
    errors: row.errors,
    fence: row.fence,
    version: row.version,
    timeoutMs: row.timeout_ms,
    cancelRequested: row.cancel_requested === 1,
    ...(row.flow_id === null ? {} : { flowId: String(row.flow_id) }),
    ...(row.parent_id === null ? {} : { parentId: String(row.parent_id) }),
    ...(row.position === null ? {} : { stage: row.position }),
    ...(row.unique_key === null ? {} : { uniqueKey: row.unique_key }),
    ...(row.wake_key === null ? {} : { wakeKey: row.wake_key }),
    ...(row.limit_key === null ? {} : { limitKey: row.limit_key }),
    ...(row.held_at === null ? {} : { heldAt: row.held_at }),
    ...(row.gate_forced_by === null ? {} : { gateForcedBy: row.gate_forced_by }),
    ...(failure === undefined ? {} : { failure }),
    createdAt: row.created_at,
    readyAt: row.ready_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.lease_until === null ? {} : { leaseUntil: row.lease_until }),
    ...(row.claimed_by === null ? {} : { claimedBy: row.claimed_by }),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
  };
}

export function toAttempt(row: AttemptRow): Attempt {
  const failure = failureOf(row.failure);
  return {
    jobId: String(row.job_id),
    fence: row.fence,
    cause: row.cause,
    claimedBy: row.claimed_by,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    priorityBefore: row.priority_before,
    priorityAfter: row.priority_after,
    ...(failure === undefined ? {} : { failure }),
  };
}

export function toFlow(row: FlowRow): Flow {
  const failure = failureOf(row.failure);
  return {
    id: String(row.id),
    status: row.status,
    ...(row.failed_job_id === null ? {} : { failedJobId: String(row.failed_job_id) }),
    ...(failure === undefined ? {} : { failure }),
    ...(row.on_failed_job_id === null ? {} : { onFailedJobId: String(row.on_failed_job_id) }),
    createdAt: row.created_at,
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
  };
}
