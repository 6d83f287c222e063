import type { Attempt, Flow, Job, JobId } from "../../../core/job.ts";
import {
  type AttemptRow,
  type FlowRow,
  type FullJobRow,
  idNumber,
  type JobRow,
  toAttempt,
  toFlow,
  toJob,
} from "../rows.ts";
import type { Session } from "../session.ts";

export const statusNow =
  "CASE WHEN r.id IS NOT NULL THEN 'in_progress' WHEN d.id IS NOT NULL THEN 'processed' ELSE j.status END";
/** The row of a job, with what the hot tables say of it (`hot-schema.ts`). */
export const hotColumns = `j.id, j.name, j.queue, j.lane, j.line, j.base_priority, j.priority, j.attempts, j.attempts_used, j.crashes, j.errors,
  j.version, j.timeout_ms, j.delay_ms, j.cancel_requested, j.woken, j.flow_id, j.parent_id, j.stage_id, j.ended_by, j.unique_key,
  j.wake_key, j.created_at, j.ready_at, j.directed, j.limit_key, j.limited, j.gate_forced_by, j.held_at,
  ${statusNow} AS status,
  coalesce(r.fence, d.fence, j.fence) AS fence, coalesce(r.lease_until, j.lease_until) AS lease_until,
  CASE WHEN r.id IS NOT NULL THEN r.started_at WHEN d.id IS NOT NULL THEN d.started_at ELSE j.started_at END AS started_at,
  coalesce(r.claimed_by, d.claimed_by, j.claimed_by) AS claimed_by, coalesce(d.finished_at, j.finished_at) AS finished_at`;
export const hotTables =
  "LEFT JOIN jobs_running AS r ON r.id = j.id LEFT JOIN jobs_done AS d ON d.line = j.line AND d.id = j.id";
const rowSql = `SELECT ${hotColumns} FROM jobs_job AS j ${hotTables} WHERE j.id = ?`;

/** A job with what lives apart. */
export const fullSql = `SELECT ${hotColumns}, coalesce(j.input, i.input) AS input, coalesce(d.result, o.result) AS result, o.failure, s.position
  FROM jobs_job AS j ${hotTables} LEFT JOIN jobs_input AS i ON i.id = j.id LEFT JOIN jobs_outcome AS o ON o.id = j.id
  LEFT JOIN jobs_stage AS s ON s.id = j.stage_id`;
const getSql = `${fullSql} WHERE j.id = ?`;
const attemptsSql = "SELECT * FROM jobs_attempt WHERE job_id = ? ORDER BY fence";
const flowSql = "SELECT * FROM jobs_flow WHERE id = ?";

/** Those that exist, in the order asked for. */
export function get(session: Session, ids: readonly JobId[]): Job[] {
  const jobs: Job[] = [];
  for (const id of ids) {
    const row = session.get<FullJobRow>(getSql, idNumber(id));
    if (row !== undefined) jobs.push(toJob(row));
  }
  return jobs;
}

/** A job as acts on it find it: without its input and how it ended. */
export function jobRow(session: Session, id: number): JobRow | undefined {
  return session.get<JobRow>(rowSql, id);
}

export function attempts(session: Session, id: JobId): Attempt[] {
  return session.all<AttemptRow>(attemptsSql, idNumber(id)).map(toAttempt);
}

export function flow(session: Session, id: JobId): Flow | undefined {
  const row = session.get<FlowRow>(flowSql, idNumber(id));
  return row === undefined ? undefined : toFlow(row);
}
