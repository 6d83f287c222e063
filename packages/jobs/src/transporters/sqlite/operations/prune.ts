import type { Kept, Pruned } from "../../keeping.ts";
import type { Session } from "../session.ts";

/** Managers not seen for so long are forgotten. */
const managerForgottenMs = 60_000;

const dueJobsSql = `SELECT id FROM jobs_job INDEXED BY jobs_job_kept WHERE status = ? AND finished_at IS NOT NULL AND flow_id IS NULL
  AND finished_at <= ? ORDER BY finished_at LIMIT ?`;
/** A flow that has ended may have a job that was retried by hand, or its `onFailed` job, still to run. */
const dueFlowsSql = `SELECT f.id FROM jobs_flow AS f INDEXED BY jobs_flow_kept WHERE f.status = ? AND f.finished_at IS NOT NULL
  AND f.finished_at <= ? AND NOT EXISTS (SELECT 1 FROM jobs_job AS j WHERE j.flow_id = f.id AND j.finished_at IS NULL)
  ORDER BY f.finished_at LIMIT ?`;
const membersSql = "SELECT id FROM jobs_job WHERE flow_id = ?";
const forgetJobSql = [
  "DELETE FROM jobs_input WHERE id = ?",
  "DELETE FROM jobs_outcome WHERE id = ?",
  "DELETE FROM jobs_attempt WHERE job_id = ?",
  "DELETE FROM jobs_progress WHERE id = ?",
  "DELETE FROM jobs_job WHERE id = ?",
];
const forgetStagesSql = "DELETE FROM jobs_stage WHERE flow_id = ?";
const forgetFlowSql = "DELETE FROM jobs_flow WHERE id = ?";
const freeKeysSql =
  "DELETE FROM jobs_unique WHERE key IN (SELECT key FROM jobs_unique WHERE kept_until <= ? ORDER BY kept_until LIMIT ?)";
const forgetManagersSql = "DELETE FROM jobs_manager WHERE seen_until <= ?";
const freeKeyDueSql = "SELECT 1 AS found FROM jobs_unique WHERE kept_until <= ? LIMIT 1";
const managerGoneSql = "SELECT 1 AS found FROM jobs_manager WHERE seen_until <= ? LIMIT 1";

const ends = ["processed", "failed", "cancelled"] as const;

function cutoff(session: Session, kept: Kept, status: (typeof ends)[number]): number {
  return session.now - (status === "processed" ? kept.processedMs : kept.badMs);
}

/** True when nothing is to be pruned: asked outside a transaction, so that idle pruners do not write. */
export function nothingToPrune(session: Session, kept: Kept): boolean {
  return (
    ends.every((status) => {
      const until = cutoff(session, kept, status);
      return (
        session.get(dueJobsSql, status, until, 1) === undefined &&
        session.get(dueFlowsSql, status, until, 1) === undefined
      );
    }) &&
    session.get(freeKeyDueSql, session.now) === undefined &&
    session.get(managerGoneSql, session.now - managerForgottenMs) === undefined
  );
}

/** The oldest first, at most `limit` jobs, the last flow whole (L17). */
export function prune(session: Session, kept: Kept, limit: number): Pruned {
  let jobs = 0;
  let flows = 0;
  for (const status of ends) {
    const until = cutoff(session, kept, status);
    const due = session.all<{ id: number }>(dueJobsSql, status, until, Math.max(0, limit - jobs));
    for (const { id } of due) forgetJob(session, id);
    jobs += due.length;
    for (const { id } of session.all<{ id: number }>(dueFlowsSql, status, until, Math.max(0, limit - jobs))) {
      if (jobs >= limit) break;
      const members = session.all<{ id: number }>(membersSql, id);
      for (const member of members) forgetJob(session, member.id);
      session.run(forgetStagesSql, id);
      session.run(forgetFlowSql, id);
      jobs += members.length;
      flows += 1;
    }
  }
  session.run(freeKeysSql, session.now, limit);
  session.run(forgetManagersSql, session.now - managerForgottenMs);
  return { jobs, flows, more: jobs >= limit };
}

function forgetJob(session: Session, id: number): void {
  for (const sql of forgetJobSql) session.run(sql, id);
}
