import type { JobFailure, StagePolicy } from "../../../core/job.ts";
import type { Session } from "../session.ts";
import { type DoomedRow, doom, endJob, type EndingRow, failDescendants, freeFlowKey } from "./finish.ts";

/**
 * Gates (L6). A stage is `waiting`, `open`, then `passed` or `failed`; `blocked` if it can open no more. One job's end can
 * close its stage, that the parent's subtree, that the stage above, and so on to the flow: a loop of steps, not recursion,
 * since a flow may have thousands of stages.
 */
export interface StageRow {
  id: number;
  flow_id: number;
  parent_id: number | null;
  position: number;
  policy: StagePolicy;
  state: "waiting" | "open" | "passed" | "failed" | "blocked";
  remaining: number;
  bad: number;
  failed_job_id: number | null;
}

/** `cause`: the job whose failure or cancel made this end a bad one; null when it ended well. */
type Step =
  | { kind: "member-ended"; stageId: number; cause: number | null }
  | { kind: "open"; stage: StageRow }
  | { kind: "close"; stage: StageRow }
  | { kind: "subtree-ended"; flowId: number; parentId: number | null; cause: number | null };

const memberEndedSql = `UPDATE jobs_stage SET remaining = remaining - 1, bad = bad + ?, failed_job_id = coalesce(failed_job_id, ?)
  WHERE id = ? AND state = 'open' RETURNING *`;
const childStageSql = "SELECT * FROM jobs_stage WHERE flow_id = ? AND coalesce(parent_id, 0) = ? AND position = ?";
const openMembersSql = `UPDATE jobs_job SET
    status = CASE WHEN delay_ms = 0 OR woken = 1 THEN 'queued' ELSE 'delayed' END,
    ready_at = ? + CASE WHEN woken = 1 THEN 0 ELSE delay_ms END
  WHERE stage_id = ? AND status = 'waiting'`;
const queuesSql = "SELECT DISTINCT queue FROM jobs_job WHERE stage_id = ? AND status = 'queued'";
/** Members may have ended behind the closed gate: cancelled, or run because an administrator forced it (L5), with all below them. */
const countSql = `WITH member AS (
    SELECT id, finished_at, CASE WHEN finished_at IS NULL THEN NULL WHEN status <> 'processed' THEN id ELSE (
      SELECT CASE s.state WHEN 'failed' THEN s.failed_job_id WHEN 'waiting' THEN -1 WHEN 'open' THEN -1 END
        FROM jobs_stage AS s WHERE s.flow_id = jobs_job.flow_id AND coalesce(s.parent_id, 0) = jobs_job.id AND s.state IN ('failed', 'waiting', 'open')
        ORDER BY s.state LIMIT 1) END AS cause
    FROM jobs_job WHERE stage_id = ?1
  )
  SELECT count(*) FILTER (WHERE finished_at IS NULL OR cause = -1) AS remaining, count(*) FILTER (WHERE cause > 0) AS bad,
    (SELECT cause FROM member WHERE cause > 0 ORDER BY finished_at, id LIMIT 1) AS failed_job_id
  FROM member`;
const openStageSql =
  "UPDATE jobs_stage SET state = 'open', remaining = ?, bad = ?, failed_job_id = ? WHERE id = ? RETURNING *";
const untriedSql = `SELECT id, attempts_used, crashes, errors, unique_key FROM jobs_job
  WHERE stage_id = ? AND status IN ('queued', 'delayed') AND attempts_used = 0 ORDER BY id`;
const untriedEndedSql = "UPDATE jobs_stage SET remaining = remaining - ?1, bad = bad + ?1 WHERE id = ?2 RETURNING *";
const closeStageSql = "UPDATE jobs_stage SET state = ? WHERE id = ?";
const laterJobsSql = `WITH RECURSIVE below (id) AS (
    SELECT j.id FROM jobs_stage AS s JOIN jobs_job AS j ON j.stage_id = s.id
      WHERE s.flow_id = ? AND coalesce(s.parent_id, 0) = ? AND s.position > ?
    UNION ALL SELECT j.id FROM jobs_job AS j JOIN below ON j.parent_id = below.id
  )
  SELECT j.id, j.unique_key FROM below CROSS JOIN jobs_job AS j ON j.id = below.id WHERE j.status = 'waiting'`;
const blockLaterSql =
  "UPDATE jobs_stage SET state = 'blocked' WHERE flow_id = ? AND coalesce(parent_id, 0) = ? AND position > ?";
const stageOfSql = "SELECT stage_id FROM jobs_job WHERE id = ?";
const onFailedSql = "SELECT on_failed_job_id FROM jobs_flow WHERE id = ?";
const onFailedReadySql = `UPDATE jobs_job SET
    status = CASE WHEN delay_ms = 0 OR woken = 1 THEN 'queued' ELSE 'delayed' END,
    ready_at = ? + CASE WHEN woken = 1 THEN 0 ELSE delay_ms END
  WHERE id = ? AND status = 'waiting' RETURNING queue, status`;
const dropInputSql = "DELETE FROM jobs_input WHERE id IN (SELECT id FROM jobs_job WHERE id = ? AND status = 'waiting')";
const dropJobSql = "DELETE FROM jobs_job WHERE id = ? AND status = 'waiting' RETURNING unique_key";
const processedSql = "UPDATE jobs_flow SET status = 'processed', finished_at = ?, on_failed_job_id = NULL WHERE id = ?";
const endedBadlySql = `UPDATE jobs_flow SET finished_at = ?1, failed_job_id = ?2,
    status = (SELECT CASE WHEN status = 'cancelled' THEN 'cancelled' ELSE 'failed' END FROM jobs_job WHERE id = ?2),
    failure = (SELECT failure FROM jobs_outcome WHERE id = ?2)
  WHERE id = ?3`;

/** What the end of a job means for its flow; jobs outside flows and `onFailed` jobs mean nothing to one. */
export function memberEnded(
  session: Session,
  job: { id: number; flow_id: number | null; stage_id: number | null },
  well: boolean,
): void {
  if (job.flow_id === null || job.stage_id === null) return;
  if (!well) {
    failDescendants(session, job.flow_id, job.id);
    advance(session, { kind: "member-ended", stageId: job.stage_id, cause: job.id });
    return;
  }
  const child = session.get<StageRow>(childStageSql, job.flow_id, job.id, 0);
  advance(
    session,
    child?.state !== "waiting"
      ? { kind: "member-ended", stageId: job.stage_id, cause: null }
      : { kind: "open", stage: child },
  );
}

function advance(session: Session, first: Step): void {
  let step: Step | undefined = first;
  while (step !== undefined) {
    switch (step.kind) {
      case "member-ended":
        step = countEnd(session, step.stageId, step.cause);
        break;
      case "open":
        step = openStage(session, step.stage);
        break;
      case "close":
        step = closeStage(session, step.stage);
        break;
      case "subtree-ended":
        step = endSubtree(session, step.flowId, step.parentId, step.cause);
        break;
    }
  }
}

/** A stage that is not open ignores it: a job retried by hand after its stage had passed changes nothing above it. */
function countEnd(session: Session, stageId: number, cause: number | null): Step | undefined {
  let stage = session.get<StageRow>(memberEndedSql, cause === null ? 0 : 1, cause, stageId);
  if (stage === undefined) return undefined;
  if (cause !== null && stage.policy === "fail-fast" && stage.bad === 1) stage = cancelUntried(session, stage, cause);
  return stage.remaining === 0 ? { kind: "close", stage } : undefined;
}

function cancelUntried(session: Session, stage: StageRow, cause: number): StageRow {
  const rows = session.all<EndingRow>(untriedSql, stage.id);
  const failure: JobFailure = {
    code: "cancelled",
    message: `job ${cause} failed first in a fail-fast stage`,
    details: { jobId: String(cause) },
  };
  for (const row of rows) {
    endJob(session, row, { status: "cancelled", failure, endedBy: cause });
    failDescendants(session, stage.flow_id, row.id);
  }
  return session.get<StageRow>(untriedEndedSql, rows.length, stage.id) ?? stage;
}

/** Members cancelled while the gate was closed count as ended badly from the start. */
function openStage(session: Session, stage: StageRow): Step | undefined {
  session.run(openMembersSql, session.now, stage.id);
  for (const { queue } of session.all<{ queue: string }>(queuesSql, stage.id)) session.ready.add(queue);
  const counts = session.get<Pick<StageRow, "remaining" | "bad" | "failed_job_id">>(countSql, stage.id);
  if (counts === undefined) return undefined;
  let open = session.get<StageRow>(openStageSql, counts.remaining, counts.bad, counts.failed_job_id, stage.id);
  if (open === undefined) return undefined;
  if (open.bad > 0 && open.policy === "fail-fast" && open.failed_job_id !== null) {
    open = cancelUntried(session, open, open.failed_job_id);
  }
  return open.remaining === 0 ? { kind: "close", stage: open } : undefined;
}

function closeStage(session: Session, stage: StageRow): Step {
  const { flow_id: flowId, parent_id: parentId } = stage;
  const passed = stage.policy === "all-settled" || stage.bad === 0;
  session.run(closeStageSql, passed ? "passed" : "failed", stage.id);
  if (!passed) {
    if (stage.failed_job_id !== null) failLater(session, stage, stage.failed_job_id);
    return { kind: "subtree-ended", flowId, parentId, cause: stage.failed_job_id };
  }
  const next = session.get<StageRow>(childStageSql, flowId, parentId ?? 0, stage.position + 1);
  return next === undefined ? { kind: "subtree-ended", flowId, parentId, cause: null } : { kind: "open", stage: next };
}

function failLater(session: Session, stage: StageRow, cause: number): void {
  const failure: JobFailure = {
    code: "stage_failed",
    message: `job ${cause} failed in stage ${stage.position} before this one: retry it to run this one`,
    details: { jobId: String(cause) },
  };
  const rows = session.all<DoomedRow>(laterJobsSql, stage.flow_id, stage.parent_id ?? 0, stage.position);
  session.run(blockLaterSql, stage.flow_id, stage.parent_id ?? 0, stage.position);
  doom(session, stage.flow_id, cause, rows, failure);
}

function endSubtree(session: Session, flowId: number, parentId: number | null, cause: number | null): Step | undefined {
  if (parentId !== null) {
    const parent = session.get<{ stage_id: number | null }>(stageOfSql, parentId);
    return parent?.stage_id == null ? undefined : { kind: "member-ended", stageId: parent.stage_id, cause };
  }
  endFlow(session, flowId, cause);
  return undefined;
}

/** The `onFailed` job becomes ready in the act that ends the flow, or is removed with it (L6). */
function endFlow(session: Session, flowId: number, cause: number | null): void {
  const onFailedId = session.get<{ on_failed_job_id: number | null }>(onFailedSql, flowId)?.on_failed_job_id ?? null;
  freeFlowKey(session, flowId);
  if (cause !== null) {
    session.run(endedBadlySql, session.now, cause, flowId);
    if (onFailedId === null) return;
    const row = session.get<{ queue: string; status: string }>(onFailedReadySql, session.now, onFailedId);
    if (row?.status === "queued") session.ready.add(row.queue);
    return;
  }
  session.run(processedSql, session.now, flowId);
  if (onFailedId !== null) {
    session.run(dropInputSql, onFailedId);
    session.run(dropJobSql, onFailedId);
  }
}
