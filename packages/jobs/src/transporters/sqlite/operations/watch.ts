import type { JobId } from "../../../core/job.ts";
import { linesPerAttempt, type LogLine, type NewLogLine } from "../../logs.ts";
import type { MinuteLevel, MinuteRow } from "../../minutes.ts";
import { idNumber } from "../rows.ts";
import type { Session } from "../session.ts";

const keptMs = 24 * 60 * 60_000;

const putSql = `INSERT INTO jobs_minute (minute, manager, name, queue, processed, failed, cancelled, retried, waits, runs)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (minute, manager, name, queue) DO UPDATE SET processed = excluded.processed, failed = excluded.failed,
    cancelled = excluded.cancelled, retried = excluded.retried, waits = excluded.waits, runs = excluded.runs`;
const levelSql = `INSERT INTO jobs_level (minute, waiting, delayed, queued, in_progress)
  SELECT ?, coalesce(sum(waiting), 0), coalesce(sum(delayed), 0), coalesce(sum(queued), 0), coalesce(sum(in_progress), 0) FROM jobs_count
  WHERE true ON CONFLICT (minute) DO UPDATE SET waiting = excluded.waiting, delayed = excluded.delayed, queued = excluded.queued,
    in_progress = excluded.in_progress`;
const forgetSql = ["DELETE FROM jobs_minute WHERE minute < ?", "DELETE FROM jobs_level WHERE minute < ?"];
const minutesSql = `SELECT minute, name, queue, processed, failed, cancelled, retried, waits, runs FROM jobs_minute WHERE minute >= ?
  ORDER BY minute, manager, name, queue`;
const levelsSql =
  'SELECT minute, waiting, delayed, queued, in_progress AS "inProgress" FROM jobs_level WHERE minute >= ? ORDER BY minute';
/** Only of jobs that are still there: what comes late for a pruned one would be kept for ever. */
const addLineSql = `INSERT INTO jobs_log (job_id, seq, fence, at, stream, message, fields)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM jobs_job WHERE id = ?1) ON CONFLICT DO NOTHING`;
const linesSql =
  "SELECT seq, fence, at, stream, message, fields FROM jobs_log WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?";

export function putMinutes(session: Session, manager: string, rows: readonly MinuteRow[], level?: number): void {
  for (const { minute, name, queue, processed, failed, cancelled, retried, waits, runs } of rows)
    session.run(putSql, minute, manager, name, queue, processed, failed, cancelled, retried, waits, runs);
  if (level === undefined) return;
  session.run(levelSql, level);
  for (const sql of forgetSql) session.run(sql, session.now - keptMs);
}

export function readMinutes(session: Session, from: number): { rows: MinuteRow[]; levels: MinuteLevel[] } {
  return { rows: session.all<MinuteRow>(minutesSql, from), levels: session.all<MinuteLevel>(levelsSql, from) };
}

export function addLines(session: Session, lines: readonly NewLogLine[]): void {
  for (const { jobId, fence, line, agoMs, stream, message, fields } of lines) {
    const seq = fence * linesPerAttempt + line;
    session.run(addLineSql, idNumber(jobId), seq, fence, session.now - agoMs, stream, message, fields ?? null);
  }
}

export function readLines(session: Session, query: { jobId: JobId; after?: number; limit: number }): LogLine[] {
  const rows = session.all<Omit<LogLine, "fields"> & { fields: string | null }>(
    linesSql,
    idNumber(query.jobId),
    query.after ?? 0,
    query.limit,
  );
  return rows.map(({ fields, ...line }) => (fields === null ? line : { ...line, fields }));
}
