import type { JobFailure, JobId } from "../../../core/job.ts";
import type { JobRow } from "../rows.ts";
import type { Session } from "../session.ts";

const endSql = `UPDATE jobs_job SET status = ?, finished_at = ?, ended_by = ?, lease_until = NULL, attempts_used = ?, crashes = ?, errors = ?
  WHERE id = ?`;
const outcomeSql = `INSERT INTO jobs_outcome (id, result, failure) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET result = excluded.result, failure = excluded.failure`;
const freeKeySql = "DELETE FROM jobs_unique WHERE key = ? AND holder = ? AND kept_ms IS NULL";
/** The key outlives its holder by a stated time (L17). */
const keepKeySql =
  "UPDATE jobs_unique SET kept_until = ? + kept_ms WHERE key = ? AND holder = ? AND kept_ms IS NOT NULL AND kept_until IS NULL";
const flowKeySql = "SELECT unique_key FROM jobs_flow WHERE id = ? AND unique_key IS NOT NULL";
/** CROSS JOIN keeps SQLite to this order: left alone it walks all jobs to find the few below. */
const descendantsSql = `WITH RECURSIVE below (id) AS (
    SELECT id FROM jobs_job WHERE parent_id = ?
    UNION ALL SELECT j.id FROM jobs_job AS j JOIN below ON j.parent_id = below.id
  )
  SELECT j.id, j.unique_key FROM below CROSS JOIN jobs_job AS j ON j.id = below.id WHERE j.status = 'waiting'`;
const blockStagesSql =
  "UPDATE jobs_stage SET state = 'blocked' WHERE flow_id = ? AND coalesce(parent_id, 0) = ? AND state = 'waiting'";
const doomSql =
  "UPDATE jobs_job SET status = 'failed', finished_at = ?, ended_by = ?, version = version + 1 WHERE id = ?";

export type EndStatus = "processed" | "failed" | "cancelled";

export interface Ending {
  status: EndStatus;
  result?: string | undefined;
  failure?: JobFailure | undefined;
  attemptsUsed?: number;
  crashes?: number;
  errors?: number;
  /** The job because of whose failure this one was ended. */
  endedBy?: number;
}

/** What ending a job needs to know of it. */
export type EndingRow = Pick<JobRow, "id" | "attempts_used" | "crashes" | "errors" | "unique_key">;

/** Makes one job final and frees its unique key (L17). What it means for its flow is `advance`'s (`flow.ts`). */
export function endJob(session: Session, row: EndingRow, ending: Ending): void {
  const { status, result, failure } = ending;
  const attemptsUsed = ending.attemptsUsed ?? row.attempts_used;
  // First: the end of a schedule's run takes its cursor from there.
  if (result !== undefined || failure !== undefined) keepOutcome(session, row.id, result, failure);
  const [crashes, errors] = [ending.crashes ?? row.crashes, ending.errors ?? row.errors];
  session.run(endSql, status, session.now, ending.endedBy ?? null, attemptsUsed, crashes, errors, row.id);
  if (row.unique_key !== null) freeKey(session, row.unique_key, row.id);
}

export function keepOutcome(
  session: Session,
  id: number,
  result: string | undefined,
  failure: JobFailure | undefined,
): void {
  session.run(outcomeSql, id, result ?? null, failure === undefined ? null : JSON.stringify(failure));
}

export function freeKey(session: Session, key: string, holder: number): void {
  if (session.run(freeKeySql, key, holder) === 0) session.run(keepKeySql, session.now, key, holder);
}

export function freeFlowKey(session: Session, flowId: number): void {
  const key = session.get<{ unique_key: string }>(flowKeySql, flowId)?.unique_key;
  if (key !== undefined) freeKey(session, key, flowId);
}

/** Everything under a job that did not process can never start (L6). Returns nothing: no gate opens by it. */
export function failDescendants(session: Session, flowId: number, rootId: number): void {
  const failure: JobFailure = {
    code: "parent_failed",
    message: `parent job ${rootId} did not end processed: retry it to run this one`,
    details: { jobId: String(rootId) satisfies JobId },
  };
  doom(session, flowId, rootId, session.all(descendantsSql, rootId), failure);
}

export interface DoomedRow {
  id: number;
  unique_key: string | null;
}

/** Fails jobs that never ran, with the job that is the reason; closes the gates under them and under the root for good. */
export function doom(
  session: Session,
  flowId: number,
  rootId: number,
  rows: readonly DoomedRow[],
  failure: JobFailure,
): void {
  session.run(blockStagesSql, flowId, rootId);
  for (const row of rows) {
    session.run(doomSql, session.now, rootId, row.id);
    keepOutcome(session, row.id, undefined, failure);
    session.run(blockStagesSql, flowId, row.id);
    if (row.unique_key !== null) freeKey(session, row.unique_key, row.id);
  }
}
