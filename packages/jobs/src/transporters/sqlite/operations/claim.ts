import type { Lane } from "../../../core/job.ts";
import { limits } from "../../../core/limits.ts";
import type { ClaimRequest } from "../../transporter.ts";
import type { Session } from "../session.ts";
import { agedReady } from "./aging.ts";
import { readyOf, type Ready, takeHead, takeHot } from "./hot-claim.ts";
import { keyFits, queueAllowance, queueRow, type QueueRow, tokensOf } from "./queue.ts";
import { claimedTexts } from "./told.ts";

const readyExistsSql = "SELECT 1 AS found FROM jobs_ready WHERE line = ? LIMIT 1";
const directedExistsSql =
  "SELECT 1 AS found FROM jobs_job INDEXED BY jobs_job_directed WHERE status = 'queued' AND directed IS NOT NULL AND lane = ? LIMIT 1";
const directedSql = `SELECT id, queue, limit_key FROM jobs_job INDEXED BY jobs_job_directed
  WHERE status = 'queued' AND directed IS NOT NULL AND lane = ? AND name IN (SELECT value FROM json_each(?))
  ORDER BY directed, id LIMIT ?`;
const takeSql = `UPDATE jobs_job SET status = 'in_progress', fence = fence + 1, woken = 0, limited = ?, started_at = ?,
  lease_until = ?, claimed_by = ? WHERE id = ? RETURNING queue, lane`;
const leaveSql = `DELETE FROM jobs_ready WHERE (line, place, id) =
  (SELECT line, (255 - priority) * 1024 + attempts_used, id FROM jobs_job WHERE id = ?)`;
const parkSql = "UPDATE jobs_job SET parked = version WHERE id = ?";
const spendSql = "UPDATE jobs_queue SET tokens = ?, tokens_at = ? WHERE queue = ?";

/** True when a claim would find nothing: asked outside a transaction, so that idle managers do not queue for the writer. */
export function nothingReady(session: Session, requests: readonly ClaimRequest[]): boolean {
  return requests.every(({ queue, lane }) => {
    if (session.get(directedExistsSql, lane) !== undefined) return false;
    const line = session.line(queue, lane);
    if (line === undefined || session.get(readyExistsSql, line) === undefined) return true;
    return queueRow(session, queue)?.paused === 1;
  });
}

/** Takes ready jobs in the order of L1, serving the requests in their order; each job gets a new fence and a lease (L3). Told as JSON (`told.ts`). */
export function claim(session: Session, requests: readonly ClaimRequest[], manager: string): string[] {
  const texts: string[] = [];
  for (const request of requests) {
    if (request.limit <= 0 || request.names.length === 0) continue;
    const directed = takeDirected(session, request, manager);
    texts.push(...claimedTexts(session, directed));
    const limit = request.limit - directed.length;
    if (limit > 0) texts.push(...takeReady(session, request, limit, manager));
  }
  session.flushCounts();
  return texts;
}

/** Of the request's lane, whatever the queue (L5). Few at any time: those whose queue or key is full are stepped over, and stay ahead. */
function takeDirected(session: Session, request: ClaimRequest, manager: string): number[] {
  const { lane, names, limit } = request;
  if (session.get(directedExistsSql, lane) === undefined) return [];
  const taken: number[] = [];
  const rows = session.all<{ id: number; queue: string; limit_key: string | null }>(
    directedSql,
    lane,
    JSON.stringify(names),
    limits.batchJobsMax,
  );
  for (const row of rows) {
    if (taken.length >= limit) break;
    const queue = queueRow(session, row.queue);
    if (queue !== undefined && (queueAllowance(session, queue) <= 0 || !keyFits(session, queue, row.limit_key)))
      continue;
    taken.push(take(session, row.id, request, manager, isLimited(queue)));
  }
  return taken;
}

function takeReady(session: Session, request: ClaimRequest, limit: number, manager: string): string[] {
  const line = session.line(request.queue, request.lane);
  if (line === undefined) return [];
  const queue = queueRow(session, request.queue);
  if (queue !== undefined) return claimedTexts(session, takeControlled(session, queue, line, request, limit, manager));
  const head = takeHead(session, line, request, limit, manager);
  if (head !== undefined) return head;
  const ready = readyOf(session, line, request.names, limit);
  return claimedTexts(session, takeAll(session, line, ready, request, manager));
}

/** As one, but for those whose row is to be written. */
function takeAll(
  session: Session,
  line: number,
  ready: readonly Ready[],
  request: ClaimRequest,
  manager: string,
): number[] {
  for (const { id, woken } of ready) if (woken) take(session, id, request, manager, false);
  takeHot(
    session,
    line,
    ready.filter(({ woken }) => !woken),
    request,
    manager,
  );
  return ready.map(({ id }) => id);
}

/** A queue with settings: paused, limited, at a rate, aging (L2, L14, L16). */
function takeControlled(
  session: Session,
  queue: QueueRow,
  line: number,
  request: ClaimRequest,
  limit: number,
  manager: string,
): number[] {
  if (queue.paused === 1) return [];
  const tokens = queue.rate_per_second === null ? Infinity : tokensOf(session, queue, queue.rate_per_second);
  const allowed = Math.min(limit, Math.floor(tokens), queueAllowance(session, queue));
  const next = (wanted: number): Ready[] =>
    queue.aging_ms === null
      ? readyOf(session, line, request.names, wanted)
      : agedReady(session, line, request.names, wanted, queue.aging_ms);
  const taken = isLimited(queue)
    ? takeLimited(session, queue, request, allowed, manager, next)
    : allowed > 0
      ? takeAll(session, line, next(allowed), request, manager)
      : [];
  if (taken.length > 0 && tokens !== Infinity) session.run(spendSql, tokens - taken.length, session.now, queue.queue);
  return taken;
}

/** Each is counted when the next is looked at; those whose key is full are set aside (`queue-schema.ts`). */
function takeLimited(
  session: Session,
  queue: QueueRow,
  request: ClaimRequest,
  allowed: number,
  manager: string,
  next: (wanted: number) => Ready[],
): number[] {
  const taken: number[] = [];
  let parked = 0;
  while (taken.length < allowed && parked < limits.parkedPerClaimMax) {
    const rows = next(allowed - taken.length);
    if (rows.length === 0) break;
    for (const { id, limitKey } of rows) {
      if (keyFits(session, queue, limitKey)) taken.push(take(session, id, request, manager, true));
      else parked += session.run(parkSql, id);
    }
  }
  // There may be others behind those that were set aside.
  if (parked >= limits.parkedPerClaimMax) session.ready.add(queue.queue);
  return taken;
}

function isLimited(queue: QueueRow | undefined): boolean {
  return queue !== undefined && (queue.concurrency !== null || queue.key_concurrency !== null);
}

/** In its row: what was directed or woken, and what counts against a limit. */
function take(session: Session, id: number, request: ClaimRequest, manager: string, limited: boolean): number {
  session.run(leaveSql, id);
  const times = [request.started ? session.now : null, session.now + request.leaseMs] as const;
  const line = session.get<{ queue: string; lane: Lane }>(takeSql, limited ? 1 : 0, ...times, manager, id);
  if (line !== undefined) {
    session.count(line, "queued", -1);
    session.count(line, "in_progress", 1);
  }
  return id;
}
