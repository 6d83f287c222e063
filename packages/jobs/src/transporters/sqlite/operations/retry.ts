import { JobsError } from "../../../core/errors.ts";
import type { AmendResult } from "../../transporter.ts";
import type { JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import { allocateIds, holdKey } from "./enqueue.ts";
import type { StageRow } from "./flow.ts";

/**
 * Retry by hand (L4, L10): a fresh budget and the base priority back. In a flow it undoes what the job's end did: its
 * descendants, the siblings that fail-fast cancelled because of it, the later stages, and so upward until a stage that is
 * still open, or the flow.
 */
const freshSql = `UPDATE jobs_job SET status = ?, priority = base_priority, attempts_used = 0, crashes = 0, errors = 0, cancel_requested = 0,
  woken = 0, directed = NULL, version = version + 1, ended_by = NULL, finished_at = NULL, claimed_by = NULL, ready_at = ? WHERE id = ?`;
const unholdSql = "UPDATE jobs_job SET held_at = NULL WHERE id = ?";
const forgetOutcomeSql = "DELETE FROM jobs_outcome WHERE id = ?";
const stageSql = "SELECT * FROM jobs_stage WHERE id = ?";
const endedUnderSql = `WITH RECURSIVE below (id) AS (
    SELECT id FROM jobs_job WHERE parent_id = ?1 AND ended_by = ?2
    UNION ALL SELECT j.id FROM jobs_job AS j JOIN below ON j.parent_id = below.id WHERE j.ended_by = ?2
  )
  SELECT j.* FROM below CROSS JOIN jobs_job AS j ON j.id = below.id`;
const endedLaterSql = `WITH RECURSIVE below (id) AS (
    SELECT j.id FROM jobs_stage AS s JOIN jobs_job AS j ON j.stage_id = s.id
      WHERE s.flow_id = ?1 AND coalesce(s.parent_id, 0) = ?2 AND s.position > ?3 AND j.ended_by = ?4
    UNION ALL SELECT j.id FROM jobs_job AS j JOIN below ON j.parent_id = below.id WHERE j.ended_by = ?4
  )
  SELECT j.* FROM below CROSS JOIN jobs_job AS j ON j.id = below.id`;
const cancelledSiblingsSql = "SELECT * FROM jobs_job WHERE stage_id = ? AND status = 'cancelled' AND ended_by = ?";
const waitAgainSql =
  "UPDATE jobs_stage SET state = 'waiting' WHERE flow_id = ? AND coalesce(parent_id, 0) = ? AND state = 'blocked'";
const laterWaitAgainSql =
  "UPDATE jobs_stage SET state = 'waiting' WHERE flow_id = ? AND coalesce(parent_id, 0) = ? AND position > ? AND state = 'blocked'";
const reopenStageSql = `UPDATE jobs_stage SET state = 'open', remaining = remaining + ?1, bad = bad - ?1, failed_job_id = CASE WHEN bad = ?1 THEN NULL ELSE coalesce(
    (SELECT id FROM jobs_job WHERE stage_id = ?2 AND status IN ('failed', 'cancelled') AND ended_by IS NULL ORDER BY finished_at, id LIMIT 1),
    (SELECT s.failed_job_id FROM jobs_job AS m CROSS JOIN jobs_stage AS s ON s.flow_id = m.flow_id AND coalesce(s.parent_id, 0) = m.id
      WHERE m.stage_id = ?2 AND s.state = 'failed' ORDER BY s.id LIMIT 1)) END
  WHERE id = ?2`;
const stageOfSql = "SELECT stage_id FROM jobs_job WHERE id = ?";
const flowKeySql = "SELECT unique_key, on_failed_job_id FROM jobs_flow WHERE id = ?";
const reopenFlowSql =
  "UPDATE jobs_flow SET status = 'running', failed_job_id = NULL, failure = NULL, finished_at = NULL, on_failed_job_id = ? WHERE id = ?";
const statusSql = "SELECT status FROM jobs_job WHERE id = ?";
const copyJobSql = `INSERT INTO jobs_job (id, name, queue, lane, status, base_priority, priority, attempts, timeout_ms, delay_ms, flow_id,
    wake_key, limit_key, created_at, ready_at)
  SELECT ?, name, queue, lane, 'waiting', base_priority, base_priority, attempts, timeout_ms, delay_ms, flow_id, wake_key, limit_key, ?, ?
  FROM jobs_job WHERE id = ?`;
const copyInputSql = "INSERT INTO jobs_input (id, input) SELECT ?, input FROM jobs_input WHERE id = ?";

export function retryJob(session: Session, job: JobRow): AmendResult {
  if (job.status !== "failed" && job.status !== "cancelled") return { state: "refused", status: job.status };
  const stage = job.stage_id === null ? undefined : session.get<StageRow>(stageSql, job.stage_id);
  // Its gate cannot open: the job that closed it is the one to retry.
  if (stage?.state === "blocked") return { state: "refused", status: job.status };
  revive(session, job, stage?.state === "waiting" ? "waiting" : "queued");
  // Who retries it by hand wants it run; those that come back with it stay held.
  session.run(unholdSql, job.id);
  if (stage === undefined || job.flow_id === null) return { state: "applied" };
  reviveDescendants(session, job.flow_id, job.id);
  if (stage.state === "open" || stage.state === "failed") reopen(session, stage, job.id);
  return { state: "applied" };
}

function revive(session: Session, job: JobRow, status: "queued" | "waiting"): void {
  if (job.unique_key !== null && !holdKey(session, job.unique_key, job.id, false))
    throw keyTaken(job.unique_key, `job ${job.id}`);
  session.run(freshSql, status, session.now, job.id);
  session.run(forgetOutcomeSql, job.id);
  if (status === "queued") session.ready.add(job.queue);
}

function reviveDescendants(session: Session, flowId: number, rootId: number): void {
  waitAgain(session, flowId, session.all<JobRow>(endedUnderSql, rootId, rootId));
  session.run(waitAgainSql, flowId, rootId);
}

function waitAgain(session: Session, flowId: number, jobs: readonly JobRow[]): void {
  for (const job of jobs) {
    revive(session, job, "waiting");
    session.run(waitAgainSql, flowId, job.id);
  }
}

/** Upward from the stage of the retried job, until a stage that had not closed yet. */
function reopen(session: Session, first: StageRow, rootId: number): void {
  let stage: StageRow = first;
  for (;;) {
    const siblings = session.all<JobRow>(cancelledSiblingsSql, stage.id, rootId);
    for (const sibling of siblings) {
      revive(session, sibling, "queued");
      reviveDescendants(session, stage.flow_id, sibling.id);
    }
    session.run(reopenStageSql, siblings.length + 1, stage.id);
    if (stage.state !== "failed") return;
    const parentId = stage.parent_id ?? 0;
    const later = session.all<JobRow>(endedLaterSql, stage.flow_id, parentId, stage.position, stage.failed_job_id);
    session.run(laterWaitAgainSql, stage.flow_id, parentId, stage.position);
    waitAgain(session, stage.flow_id, later);
    if (stage.parent_id === null) {
      reopenFlow(session, stage.flow_id);
      return;
    }
    const parent = session.get<{ stage_id: number | null }>(stageOfSql, stage.parent_id);
    const above = parent?.stage_id == null ? undefined : session.get<StageRow>(stageSql, parent.stage_id);
    // A stage that passed all the same (all-settled) stays passed.
    if (above === undefined || (above.state !== "open" && above.state !== "failed")) return;
    stage = above;
  }
}

function reopenFlow(session: Session, flowId: number): void {
  const flow = session.get<{ unique_key: string | null; on_failed_job_id: number | null }>(flowKeySql, flowId);
  if (flow === undefined) return;
  if (flow.unique_key !== null && !holdKey(session, flow.unique_key, flowId, true))
    throw keyTaken(flow.unique_key, `flow ${flowId}`);
  const onFailedId = flow.on_failed_job_id === null ? null : rearmOnFailed(session, flow.on_failed_job_id);
  session.run(reopenFlowSql, onFailedId, flowId);
}

/** One that has not ended or started waits again; else a copy does, so that what has been told already stays on record. */
function rearmOnFailed(session: Session, id: number): number {
  const status = session.get<{ status: string }>(statusSql, id)?.status;
  if (status === "queued" || status === "delayed") {
    session.run(freshSql, "waiting", session.now, id);
    return id;
  }
  if (status === "waiting") return id;
  const copy = allocateIds(session, 1);
  session.run(copyJobSql, copy, session.now, session.now, id);
  session.run(copyInputSql, copy, id);
  return copy;
}

function keyTaken(key: string, holder: string): JobsError {
  return new JobsError(
    "unique_key_taken",
    `${holder} cannot be retried: its unique key "${key}" is held by a newer one; wait for that one's end`,
  );
}
