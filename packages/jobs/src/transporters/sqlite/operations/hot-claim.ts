import type { ClaimRequest } from "../../transporter.ts";
import type { Session } from "../session.ts";
import { isPlain } from "./hot.ts";
import { toldAtClaim } from "./told.ts";

/** A ready job in its line. `woken`: its row is to be written at the claim, since the wake was for what came before it (L7). */
export interface Ready {
  place: number;
  id: number;
  woken: boolean;
  limitKey: string | null;
}

/**
 * Arrays, and few columns: rows as objects of twenty cost 4.2 µs each. `LIMIT ? + 0`, here and in other statements that are run all the
 * time: SQLite plans a bare `LIMIT ?` anew at each binding (4 µs for the simplest of statements).
 */
const readySql = `SELECT r.place, r.id, j.woken, j.limit_key FROM jobs_ready AS r CROSS JOIN jobs_job AS j ON j.id = r.id
  WHERE r.line = ? AND j.name IN (SELECT value FROM json_each(?)) ORDER BY r.place, r.id LIMIT ? + 0`;
/** The same, with what is told of each: in one walk, and their inputs in their rows, where there are so many jobs in one text. */
const headSql = `SELECT count(*) AS n, total(woken) AS woken, count(input) AS inputs, max(place) AS place, group_concat(id) AS ids,
    group_concat(told) AS told
  FROM (SELECT r.place, r.id, j.woken, j.input, ${toldAtClaim} AS told FROM jobs_ready AS r CROSS JOIN jobs_job AS j ON j.id = r.id
    WHERE r.line = ? AND j.name IN (SELECT value FROM json_each(?)) ORDER BY r.place, r.id LIMIT ? + 0)`;
const runSql = `INSERT INTO jobs_running (id, line, fence, started_at, lease_until, claimed_by, plain)
  SELECT j.id, j.line, j.fence + 1, ?2, ?3, ?4, ${isPlain} FROM json_each(?1) AS e CROSS JOIN jobs_job AS j ON j.id = e.value`;
const aheadSql = "SELECT count(*) AS n FROM jobs_ready WHERE line = ?1 AND (place, id) <= (?2, ?3)";
const leaveHeadSql = "DELETE FROM jobs_ready WHERE line = ?1 AND (place, id) <= (?2, ?3)";
const leaveSql = "DELETE FROM jobs_ready WHERE line = ?1 AND place = ?2 AND id IN (SELECT value FROM json_each(?3))";

/** The first of a line that these names are for, in the order of L1. */
export function readyOf(session: Session, line: number, names: readonly string[], limit: number): Ready[] {
  return session
    .rows<[number, number, number, string | null]>(readySql, line, JSON.stringify(names), limit)
    .map(([place, id, woken, limitKey]) => ({ place, id, woken: woken === 1, limitKey }));
}

interface Head {
  n: number;
  woken: number;
  inputs: number;
  place: number | null;
  ids: string | null;
  told: string | null;
}

/**
 * Takes the first of a line that these names are for, and tells them as `claimedTexts` does. Undefined, with nothing done, where they are not
 * the first of all or have rows to be written or inputs apart: nearly never.
 */
export function takeHead(
  session: Session,
  line: number,
  request: ClaimRequest,
  limit: number,
  manager: string,
): string[] | undefined {
  const head = session.get<Head>(headSql, line, JSON.stringify(request.names), limit);
  if (head === undefined || head.place === null || head.ids === null) return [];
  const { n, place, ids } = head;
  const last = Number(ids.slice(ids.lastIndexOf(",") + 1));
  if (head.woken > 0 || head.inputs < n || !isHead(session, line, place, last, n)) return undefined;
  start(session, `[${ids}]`, request, manager);
  session.run(leaveHeadSql, line, place, last);
  countTaken(session, line, n);
  return [`[${head.told}]`];
}

/** From `jobs_ready` to `jobs_running`, all as one; their rows are not written. */
export function takeHot(
  session: Session,
  line: number,
  ready: readonly Ready[],
  request: ClaimRequest,
  manager: string,
): void {
  if (ready.length === 0) return;
  start(session, JSON.stringify(ready.map(({ id }) => id)), request, manager);
  // Aging does not give them in their places' order.
  const last = ready.reduce((a, b) => (b.place > a.place || (b.place === a.place && b.id > a.id) ? b : a));
  if (isHead(session, line, last.place, last.id, ready.length)) session.run(leaveHeadSql, line, last.place, last.id);
  else for (const [place, group] of Map.groupBy(ready, (job) => job.place)) leave(session, line, place, group);
  countTaken(session, line, ready.length);
}

/** So many up to this one are all that the line has there: they go as one range. */
function isHead(session: Session, line: number, place: number, id: number, count: number): boolean {
  return session.get<{ n: number }>(aheadSql, line, place, id)?.n === count;
}

function start(session: Session, ids: string, { started, leaseMs }: ClaimRequest, manager: string): void {
  session.run(runSql, ids, started ? session.now : null, session.now + leaseMs, manager);
}

function countTaken(session: Session, line: number, count: number): void {
  const counted = session.lineOf(line);
  session.count(counted, "queued", -count);
  session.count(counted, "in_progress", count);
}

function leave(session: Session, line: number, place: number, ready: readonly Ready[]): void {
  session.run(leaveSql, line, place, JSON.stringify(ready.map(({ id }) => id)));
}
