import { limits } from "../../../core/limits.ts";
import type { Session } from "../session.ts";

/** What is not delayed keeps its status, which is not written: of a job on the hot road it is not the row's to say. */
const markSql = "UPDATE jobs_job SET woken = 1 WHERE wake_key = ? AND finished_at IS NULL AND status <> 'delayed'";
const metSql = `UPDATE jobs_job SET status = 'queued', ready_at = ? WHERE wake_key = ? AND finished_at IS NULL AND status = 'delayed'
  RETURNING queue`;
const keepSql = "INSERT INTO jobs_wake (key, at) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET at = excluded.at";
const forgetSql = "DELETE FROM jobs_wake WHERE key IN (SELECT key FROM jobs_wake WHERE at <= ? ORDER BY at LIMIT 100)";
const consumeSql = "DELETE FROM jobs_wake WHERE key = ? RETURNING at";

/**
 * L7: makes delayed jobs with these keys ready and marks the others for their release; a key that meets no unfinished job
 * is kept. There is one writer, so that no release can slip between a wake and its commit. Returns the number of jobs met.
 */
export function wake(session: Session, keys: readonly string[]): number {
  let met = 0;
  for (const key of new Set(keys)) {
    const marked = session.run(markSql, key);
    const rows = session.all<{ queue: string }>(metSql, session.now, key);
    for (const row of rows) session.ready.add(row.queue);
    met += marked + rows.length;
    if (marked + rows.length === 0) {
      session.run(keepSql, key, session.now);
      session.run(forgetSql, session.now - limits.wakeKeptMs);
    }
  }
  return met;
}

/** True when a wake was kept for this key: it is used up by the release that asks. */
export function consumeKeptWake(session: Session, key: string): boolean {
  const row = session.get<{ at: number }>(consumeSql, key);
  return row !== undefined && row.at > session.now - limits.wakeKeptMs;
}
