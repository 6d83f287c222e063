import type { JobStatus, Lane } from "../../../core/job.ts";
import type { Kept, Pruned } from "../../keeping.ts";
import type { Session } from "../session.ts";

/** Managers not seen for so long are forgotten. */
const managerForgottenMs = 60_000;

const dueDoneSql = "SELECT line, id FROM jobs_done WHERE finished_at <= ? ORDER BY finished_at LIMIT ? + 0";
const dueJobsSql = `SELECT id, queue, lane FROM jobs_job INDEXED BY jobs_job_kept WHERE status = ? AND finished_at IS NOT NULL AND flow_id IS NULL
  AND finished_at <= ? ORDER BY finished_at LIMIT ? + 0`;
/** A flow that has ended may have a job that was retried by hand, or its `onFailed` job, still to run. */
const dueFlowsSql = `SELECT f.id FROM jobs_flow AS f INDEXED BY jobs_flow_kept WHERE f.status = ? AND f.finished_at IS NOT NULL
  AND f.finished_at <= ? AND NOT EXISTS (SELECT 1 FROM jobs_job AS j WHERE j.flow_id = f.id AND j.finished_at IS NULL)
  ORDER BY f.finished_at LIMIT ? + 0`;
const membersSql = "SELECT id, queue, lane, status FROM jobs_job WHERE flow_id = ?";
const forgetJobsSql = [
  "DELETE FROM jobs_input WHERE id IN (SELECT value FROM json_each(?))",
  "DELETE FROM jobs_outcome WHERE id IN (SELECT value FROM json_each(?))",
  "DELETE FROM jobs_attempt WHERE job_id IN (SELECT value FROM json_each(?))",
  "DELETE FROM jobs_progress WHERE id IN (SELECT value FROM json_each(?))",
  "DELETE FROM jobs_log WHERE job_id IN (SELECT value FROM json_each(?))",
  "DELETE FROM jobs_job WHERE id IN (SELECT value FROM json_each(?))",
];
const forgetDoneSql = "DELETE FROM jobs_done WHERE line = ? AND id IN (SELECT value FROM json_each(?))";
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
    session.get(dueDoneSql, cutoff(session, kept, "processed"), 1) === undefined &&
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

interface Member {
  id: number;
  queue: string;
  lane: Lane;
  status: JobStatus;
}

/** The oldest first, at most `limit` jobs, the last flow whole (L17). */
export function prune(session: Session, kept: Kept, limit: number): Pruned {
  let jobs = pruneDone(session, cutoff(session, kept, "processed"), limit);
  let flows = 0;
  for (const status of ends) {
    const until = cutoff(session, kept, status);
    const due = session.all<Omit<Member, "status">>(dueJobsSql, status, until, Math.max(0, limit - jobs));
    forgetJobs(
      session,
      due.map((job) => ({ ...job, status })),
    );
    jobs += due.length;
    for (const { id } of session.all<{ id: number }>(dueFlowsSql, status, until, Math.max(0, limit - jobs))) {
      if (jobs >= limit) break;
      const members = session.all<Member & Record<string, unknown>>(membersSql, id);
      forgetJobs(session, members);
      session.run(forgetStagesSql, id);
      session.run(forgetFlowSql, id);
      jobs += members.length;
      flows += 1;
    }
  }
  session.run(freeKeysSql, session.now, limit);
  session.run(forgetManagersSql, session.now - managerForgottenMs);
  session.flushCounts();
  return { jobs, flows, more: jobs >= limit };
}

/** Those that ended on the hot road (`hot-schema.ts`). */
function pruneDone(session: Session, until: number, limit: number): number {
  const due = session.all<{ line: number; id: number }>(dueDoneSql, until, limit);
  for (const [line, jobs] of Map.groupBy(due, (job) => job.line)) {
    const { queue, lane } = session.lineOf(line);
    session.run(forgetDoneSql, line, JSON.stringify(jobs.map(({ id }) => id)));
    forgetJobs(
      session,
      jobs.map(({ id }) => ({ id, queue, lane, status: "processed" })),
    );
  }
  return due.length;
}

function forgetJobs(session: Session, jobs: readonly Member[]): void {
  if (jobs.length === 0) return;
  const ids = JSON.stringify(jobs.map(({ id }) => id));
  for (const sql of forgetJobsSql) session.run(sql, ids);
  for (const job of jobs) session.count(job, job.status, -1);
}
