import { limits } from "../../../core/limits.ts";
import type { Session } from "../session.ts";

const metSql = `UPDATE jobs_job SET
    woken = CASE WHEN status = 'delayed' THEN woken ELSE 1 END,
    ready_at = CASE WHEN status = 'delayed' THEN ? ELSE ready_at END,
    status = CASE WHEN status = 'delayed' THEN 'queued' ELSE status END
  WHERE wake_key = ? AND finished_at IS NULL RETURNING queue, status`;
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
    const rows = session.all<{ queue: string; status: string }>(metSql, session.now, key);
    for (const row of rows) if (row.status === "queued") session.ready.add(row.queue);
    met += rows.length;
    if (rows.length === 0) {
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
