import type { JobStatus, Lane } from "../../../core/job.ts";
import { limits } from "../../../core/limits.ts";
import type { Session } from "../session.ts";

/** The hot road (`hot-schema.ts`): which jobs end on it, and how one leaves it. */
export const isPlain =
  "j.flow_id IS NULL AND j.unique_key IS NULL AND j.wake_key IS NULL AND j.limit_key IS NULL AND j.is_run = 0";

/** As the index `jobs_job_listed` has it: rows that say their job's status themselves. Said again in every statement that walks it. */
export const isListed =
  "status <> 'in_progress' AND (status <> 'queued' OR parked = version OR directed IS NOT NULL OR held_at IS NOT NULL)";

/** What `jobs_ready.place` stands for. */
export function ofPlace(place: number): { priority: number; used: number } {
  return { priority: limits.priorityMax - Math.floor(place / 1_024), used: place % 1_024 };
}

const nextPlaceSql = "SELECT place FROM jobs_ready WHERE line = ? AND place > ? ORDER BY place LIMIT 1";
const coolSql = `UPDATE jobs_job SET status = 'in_progress', fence = r.fence, started_at = r.started_at, lease_until = r.lease_until,
    claimed_by = r.claimed_by, limited = 0
  FROM jobs_running AS r WHERE jobs_job.id = ?1 AND r.id = ?1`;
const leaveSql = "DELETE FROM jobs_running WHERE id = ?";

/** The places of a line that have ready jobs, in the order of L1: in each, order is by id alone. Few at any backlog: decay leaves as many as attempts. */
export function* places(session: Session, line: number): Generator<number> {
  let next = session.get<{ place: number }>(nextPlaceSql, line, -1);
  while (next !== undefined) {
    yield next.place;
    next = session.get<{ place: number }>(nextPlaceSql, line, next.place);
  }
}

/** Writes a hot running job's state to its row; of others nothing. A wake that came meanwhile is there already (L7). */
export function cool(session: Session, id: number): void {
  if (session.run(coolSql, id) === 1) session.run(leaveSql, id);
}

/** A hot running job gets this status, which is written to its row with its fence. */
export function leaveRunning(
  session: Session,
  job: { id: number; queue: string; lane: Lane },
  status: JobStatus,
): void {
  session.run(leaveSql, job.id);
  session.count(job, "in_progress", -1);
  session.count(job, status, 1);
}
