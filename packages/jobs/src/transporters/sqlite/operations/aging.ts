import { agedPriority } from "../../../core/queue.ts";
import type { ClaimRequest } from "../../transporter.ts";
import type { Session } from "../session.ts";
import { isReady, readyColumns, type ReadyRow } from "./ready.ts";

/** A part of the ready jobs in which order is by id alone, so that its first have waited longest of it. */
interface Group {
  priority: number;
  attempts_used: number;
}

const from = `FROM jobs_job AS j INDEXED BY jobs_job_ready WHERE ${isReady} AND j.queue = ? AND j.lane = ?`;
const firstGroupSql = `SELECT j.priority, j.attempts_used ${from} ORDER BY j.priority DESC, j.attempts_used LIMIT 1`;
const samePrioritySql = `SELECT j.priority, j.attempts_used ${from} AND j.priority = ? AND j.attempts_used > ? ORDER BY j.attempts_used LIMIT 1`;
const lowerPrioritySql = `SELECT j.priority, j.attempts_used ${from} AND j.priority < ? ORDER BY j.priority DESC, j.attempts_used LIMIT 1`;
const membersSql = `SELECT j.id, j.ready_at ${from} AND j.priority = ? AND j.attempts_used = ? AND j.name IN (SELECT value FROM json_each(?))
  ORDER BY j.id LIMIT ?`;
const rowSql = `SELECT ${readyColumns} FROM jobs_job AS j JOIN jobs_input AS i ON i.id = j.id WHERE j.id = ?`;

/**
 * Ready jobs in the order that aging gives them (L16). Priorities that grow with time fit no index; but within one priority and one
 * number of attempts the order stays that of ids, and there are few such groups (256 priorities, decay leaves as many as
 * attempts): the best of the groups' first ones are the best of all, at any backlog.
 */
export function agedReady(session: Session, request: ClaimRequest, limit: number, agingMs: number): ReadyRow[] {
  const { queue, lane } = request;
  const names = JSON.stringify(request.names);
  const found: { id: number; used: number; aged: number }[] = [];
  let group = session.get<Group>(firstGroupSql, queue, lane);
  while (group !== undefined) {
    const { priority, attempts_used: used } = group;
    const members = session.all<{ id: number; ready_at: number }>(
      membersSql,
      queue,
      lane,
      priority,
      used,
      names,
      limit,
    );
    for (const { id, ready_at: readyAt } of members) {
      found.push({ id, used, aged: agedPriority(priority, session.now - readyAt, agingMs) });
    }
    group =
      session.get<Group>(samePrioritySql, queue, lane, priority, used) ??
      session.get<Group>(lowerPrioritySql, queue, lane, priority);
  }
  const best = found.toSorted((a, b) => b.aged - a.aged || a.used - b.used || a.id - b.id).slice(0, limit);
  return best.map(({ id }) => session.get<ReadyRow>(rowSql, id)).filter((row) => row !== undefined);
}
