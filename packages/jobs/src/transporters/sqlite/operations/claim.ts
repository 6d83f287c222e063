import { limits } from "../../../core/limits.ts";
import type { ClaimRequest, Claimed } from "../../transporter.ts";
import { toClaimed } from "../rows.ts";
import type { Session } from "../session.ts";
import { agedReady } from "./aging.ts";
import { keyFits, queueAllowance, queueRow, type QueueRow, tokensOf } from "./queue.ts";
import { isReady, readyColumns, type ReadyRow } from "./ready.ts";

const readyExistsSql = `SELECT 1 AS found FROM jobs_job AS j INDEXED BY jobs_job_ready WHERE ${isReady} AND queue = ? AND lane = ? LIMIT 1`;
const readySql = `SELECT ${readyColumns} FROM jobs_job AS j INDEXED BY jobs_job_ready JOIN jobs_input AS i ON i.id = j.id
  WHERE ${isReady} AND j.queue = ? AND j.lane = ? AND j.name IN (SELECT value FROM json_each(?))
  ORDER BY j.priority DESC, j.attempts_used, j.id LIMIT ?`;
const directedExistsSql =
  "SELECT 1 AS found FROM jobs_job INDEXED BY jobs_job_directed WHERE status = 'queued' AND directed IS NOT NULL AND lane = ? LIMIT 1";
const directedSql = `SELECT ${readyColumns} FROM jobs_job AS j INDEXED BY jobs_job_directed JOIN jobs_input AS i ON i.id = j.id
  WHERE j.status = 'queued' AND j.directed IS NOT NULL AND j.lane = ? AND j.name IN (SELECT value FROM json_each(?))
  ORDER BY j.directed, j.id LIMIT ?`;
const takeSql = `UPDATE jobs_job SET status = 'in_progress', fence = fence + 1, woken = 0, limited = ?, started_at = ?,
  lease_until = ?, claimed_by = ? WHERE id = ?`;
const parkSql = "UPDATE jobs_job SET parked = version WHERE id = ?";
const spendSql = "UPDATE jobs_queue SET tokens = ?, tokens_at = ? WHERE queue = ?";

/** True when a claim would find nothing: asked outside a transaction, so that idle managers do not queue for the writer. */
export function nothingReady(session: Session, requests: readonly ClaimRequest[]): boolean {
  return requests.every(
    ({ queue, lane }) =>
      session.get(directedExistsSql, lane) === undefined &&
      (session.get(readyExistsSql, queue, lane) === undefined || queueRow(session, queue)?.paused === 1),
  );
}

/** Takes ready jobs in the order of L1, serving the requests in their order; each job gets a new fence and a lease (L3). */
export function claim(session: Session, requests: readonly ClaimRequest[], manager: string): Claimed[] {
  const claimed: Claimed[] = [];
  for (const request of requests) {
    if (request.limit <= 0 || request.names.length === 0) continue;
    const directed = takeDirected(session, request, manager);
    claimed.push(...directed);
    const limit = request.limit - directed.length;
    if (limit > 0) claimed.push(...takeReady(session, request, limit, manager));
  }
  return claimed;
}

/** Of the request's lane, whatever the queue (L5). Few at any time: those whose queue or key is full are stepped over, and stay ahead. */
function takeDirected(session: Session, request: ClaimRequest, manager: string): Claimed[] {
  const { lane, names, limit } = request;
  if (session.get(directedExistsSql, lane) === undefined) return [];
  const taken: Claimed[] = [];
  for (const row of session.all<ReadyRow>(directedSql, lane, JSON.stringify(names), limits.batchJobsMax)) {
    if (taken.length >= limit) break;
    const queue = queueRow(session, row.queue);
    if (queue !== undefined && (queueAllowance(session, queue) <= 0 || !keyFits(session, queue, row.limit_key)))
      continue;
    taken.push(take(session, row, request, manager, isLimited(queue)));
  }
  return taken;
}

function takeReady(session: Session, request: ClaimRequest, limit: number, manager: string): Claimed[] {
  const queue = queueRow(session, request.queue);
  if (queue !== undefined) return takeControlled(session, queue, request, limit, manager);
  return strict(session, request, limit).map((row) => take(session, row, request, manager, false));
}

/** A queue with settings: paused, limited, at a rate, aging (L2, L14, L16). */
function takeControlled(
  session: Session,
  queue: QueueRow,
  request: ClaimRequest,
  limit: number,
  manager: string,
): Claimed[] {
  if (queue.paused === 1) return [];
  const tokens = queue.rate_per_second === null ? Infinity : tokensOf(session, queue, queue.rate_per_second);
  const allowed = Math.min(limit, Math.floor(tokens), queueAllowance(session, queue));
  const taken: Claimed[] = [];
  let parked = 0;
  while (taken.length < allowed && parked < limits.parkedPerClaimMax) {
    const wanted = allowed - taken.length;
    const rows =
      queue.aging_ms === null ? strict(session, request, wanted) : agedReady(session, request, wanted, queue.aging_ms);
    if (rows.length === 0) break;
    for (const row of rows) {
      if (keyFits(session, queue, row.limit_key)) taken.push(take(session, row, request, manager, isLimited(queue)));
      else parked += session.run(parkSql, row.id);
    }
  }
  // There may be others behind those that were set aside.
  if (parked >= limits.parkedPerClaimMax) session.ready.add(queue.queue);
  if (taken.length > 0 && tokens !== Infinity) session.run(spendSql, tokens - taken.length, session.now, queue.queue);
  return taken;
}

function strict(session: Session, { queue, lane, names }: ClaimRequest, limit: number): ReadyRow[] {
  return session.all<ReadyRow>(readySql, queue, lane, JSON.stringify(names), limit);
}

function isLimited(queue: QueueRow | undefined): boolean {
  return queue !== undefined && (queue.concurrency !== null || queue.key_concurrency !== null);
}

function take(session: Session, row: ReadyRow, request: ClaimRequest, manager: string, limited: boolean): Claimed {
  const startedAt = request.started ? session.now : null;
  session.run(takeSql, limited ? 1 : 0, startedAt, session.now + request.leaseMs, manager, row.id);
  row.fence += 1;
  return toClaimed(row);
}
