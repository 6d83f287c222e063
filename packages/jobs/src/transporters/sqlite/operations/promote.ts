import type { Session } from "../session.ts";
import { hasUnparking, unparkSome } from "./queue.ts";

const nextSql =
  "SELECT ready_at FROM jobs_job INDEXED BY jobs_job_delayed WHERE status = 'delayed' ORDER BY ready_at LIMIT 1";
const promoteSql = `UPDATE jobs_job SET status = 'queued' WHERE id IN (
  SELECT id FROM jobs_job INDEXED BY jobs_job_delayed WHERE status = 'delayed' AND ready_at <= ? ORDER BY ready_at, id LIMIT ? + 0
) RETURNING queue`;

export interface Promoted {
  promoted: number;
  nextInMs?: number;
}

/** What the next promotion is, when none is due: asked outside a transaction. Undefined when there is something to do. */
export function nothingDue(session: Session): Promoted | undefined {
  if (hasUnparking(session)) return undefined;
  const next = session.get<{ ready_at: number }>(nextSql);
  if (next === undefined) return { promoted: 0 };
  return next.ready_at > session.now ? { promoted: 0, nextInMs: next.ready_at - session.now } : undefined;
}

export function promote(session: Session, limit: number): Promoted {
  const rows = session.all<{ queue: string }>(promoteSql, session.now, limit);
  for (const row of rows) session.ready.add(row.queue);
  const promoted = rows.length + unparkSome(session, limit - rows.length);
  const next = session.get<{ ready_at: number }>(nextSql);
  if (next === undefined) return { promoted };
  return { promoted, nextInMs: Math.max(0, next.ready_at - session.now) };
}
