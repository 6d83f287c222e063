import type { JobId } from "../../../core/job.ts";
import type { AmendResult, Change } from "../../transporter.ts";
import { idNumber, type JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import { direct, forceGate } from "./direct.ts";
import { endJob } from "./finish.ts";
import { memberEnded } from "./flow.ts";
import { cool } from "./hot.ts";
import { releaseLimits } from "./queue.ts";
import { jobRow } from "./read.ts";
import { retryJob } from "./retry.ts";

/** CROSS JOIN keeps SQLite to this order: left alone it walks all jobs to find the few below. */
const belowSql = `WITH RECURSIVE below (id) AS (
    SELECT id FROM jobs_job WHERE parent_id = ?
    UNION ALL SELECT j.id FROM jobs_job AS j JOIN below ON j.parent_id = below.id
  )
  SELECT j.id FROM below CROSS JOIN jobs_job AS j ON j.id = below.id WHERE j.finished_at IS NULL ORDER BY j.id`;
const bumpSql = "UPDATE jobs_job SET version = version + 1 WHERE id = ?";
const requestSql =
  "UPDATE jobs_job SET cancel_requested = 1, version = version + 1 WHERE id = ? AND cancel_requested = 0";
const prioritySql = "UPDATE jobs_job SET base_priority = ?1, priority = ?1, version = version + 1 WHERE id = ?2";
const moveSql = "UPDATE jobs_job SET queue = ?, line = ?, version = version + 1 WHERE id = ?";
const holdSql =
  "UPDATE jobs_job SET held_at = coalesce(held_at, ?), directed = NULL, version = version + 1 WHERE id = ?";
const unholdSql = "UPDATE jobs_job SET held_at = NULL, version = version + 1 WHERE id = ?";

/** Acts of people, one after the other: an earlier one of the same call may have changed what a later one meets. */
export function amend(session: Session, ids: readonly JobId[], change: Change): AmendResult[] {
  const results = ids.map((id): AmendResult => {
    const result = amendOne(session, idNumber(id), change);
    if (!("descendants" in change) || !change.descendants) return result;
    let descendants = 0;
    for (const below of session.all<{ id: number }>(belowSql, idNumber(id)))
      if (amendOne(session, below.id, change).state !== "refused") descendants += 1;
    // One that is processed has let those below it begin: they are what is meant.
    return result.state === "refused" && descendants === 0
      ? result
      : { state: result.state === "requested" ? "requested" : "applied", descendants };
  });
  session.flushCounts();
  return results;
}

function amendOne(session: Session, id: number, change: Change): AmendResult {
  cool(session, id);
  const row = jobRow(session, id);
  if (row === undefined) return { state: "refused", status: "unknown" };
  if (change.kind === "retry") return retryJob(session, row);
  if (change.kind === "direct") return direct(session, row);
  if (change.kind === "force-gate") return forceGate(session, row, change.by);
  if (row.finished_at !== null) return { state: "refused", status: row.status };
  switch (change.kind) {
    case "cancel":
      return cancel(session, row, change.reason);
    case "priority":
      session.run(prioritySql, change.priority, row.id);
      return { state: "applied" };
    case "move":
      return move(session, row, change.queue);
    case "hold":
      session.run(holdSql, session.now, row.id);
      leaveLine(session, row);
      return { state: "applied" };
    default:
      session.run(unholdSql, row.id);
      if (row.status === "queued") session.ready.add(row.queue);
      return { state: "applied" };
  }
}

/** `jobs_ready` and the counters follow by their triggers. */
function move(session: Session, row: JobRow, queue: string): AmendResult {
  if (row.status === "in_progress") return { state: "refused", status: row.status };
  if (queue === row.queue) return { state: "applied" };
  session.run(moveSql, queue, session.newLine(queue, row.lane), row.id);
  leaveLine(session, row);
  if (row.status === "queued") session.ready.add(queue);
  return { state: "applied" };
}

function cancel(session: Session, row: JobRow, reason: string): AmendResult {
  if (row.status === "in_progress") {
    session.run(requestSql, row.id);
    return { state: "requested" };
  }
  session.run(bumpSql, row.id);
  endJob(session, row, { status: "cancelled", failure: { code: "cancelled", message: reason } });
  memberEnded(session, row, false);
  leaveLine(session, row);
  return { state: "applied" };
}

/** It may have been the one that a free key was waiting for: then the next of its key comes in line (L14). */
function leaveLine(session: Session, row: JobRow): void {
  if (row.status === "queued" && row.limit_key !== null) releaseLimits(session, row);
}
