import type { ClaimRequest, Claimed } from "../../transporter.ts";
import { claimColumns, type ClaimRow, toClaimed } from "../rows.ts";
import type { Session } from "../session.ts";

const readyExistsSql =
  "SELECT 1 AS found FROM jobs_job INDEXED BY jobs_job_ready WHERE status = 'queued' AND queue = ? AND lane = ? LIMIT 1";
const readySql = `SELECT ${claimColumns} FROM jobs_job AS j INDEXED BY jobs_job_ready JOIN jobs_input AS i ON i.id = j.id
  WHERE j.status = 'queued' AND j.queue = ? AND j.lane = ? AND j.name IN (SELECT value FROM json_each(?))
  ORDER BY j.priority DESC, j.attempts_used, j.id LIMIT ?`;
const takeSql = `UPDATE jobs_job SET status = 'in_progress', fence = fence + 1, woken = 0, started_at = ?, lease_until = ?, claimed_by = ?
  WHERE id = ?`;

/** True when a claim would find nothing: asked outside a transaction, so that idle managers do not queue for the writer. */
export function nothingReady(session: Session, requests: readonly ClaimRequest[]): boolean {
  return requests.every(({ queue, lane }) => session.get(readyExistsSql, queue, lane) === undefined);
}

/** Takes ready jobs in the order of L1, serving the requests in their order; each job gets a new fence and a lease (L3). */
export function claim(session: Session, requests: readonly ClaimRequest[], manager: string): Claimed[] {
  const claimed: Claimed[] = [];
  for (const request of requests) {
    if (request.limit <= 0 || request.names.length === 0) continue;
    const startedAt = request.started ? session.now : null;
    const leaseUntil = session.now + request.leaseMs;
    const rows = session.all<ClaimRow>(
      readySql,
      request.queue,
      request.lane,
      JSON.stringify(request.names),
      request.limit,
    );
    for (const row of rows) {
      session.run(takeSql, startedAt, leaseUntil, manager, row.id);
      row.fence += 1;
      claimed.push(toClaimed(row));
    }
  }
  return claimed;
}
