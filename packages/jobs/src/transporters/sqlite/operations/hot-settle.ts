import type { Session } from "../session.ts";
import { keepOutcome } from "./finish.ts";

/** Attempts that end `processed`, as columns: objects are dear to clone. `results`: null where there is none; left out when there are none at all. */
export interface ProcessedEnds {
  ids: number[];
  fences: number[];
  results?: (string | null)[];
  /** As `Settlement.startedMs`; null where the store knows; left out when there are none at all. */
  startedMs?: (number | null)[];
}

/** In the row of `jobs_done`; a longer result would spread those rows over too many pages. */
const resultLengthMax = 1_000;

/** Those of one fence that may end here. What the keys are is ids, here and below, so that a text is unpacked once. */
const foundSql = `SELECT r.id FROM json_each(?) AS e CROSS JOIN jobs_running AS r ON r.id = e.value WHERE r.fence = ? AND r.plain = 1`;
/** Values: ms since the start of those that were claimed ahead (L16), whose start comes with their end. */
const doneSql = `INSERT INTO jobs_done (line, id, fence, started_at, finished_at, claimed_by)
  SELECT r.line, r.id, r.fence, coalesce(r.started_at, ?2 - e.value), ?2, r.claimed_by
  FROM json_each(?1) AS e CROSS JOIN jobs_running AS r ON r.id = CAST(e.key AS INTEGER) WHERE r.fence = ?3 AND r.plain = 1`;
/** The same, and the result behind it. */
const doneWithSql = `INSERT INTO jobs_done (line, id, fence, started_at, finished_at, claimed_by, result)
  SELECT r.line, r.id, r.fence, coalesce(r.started_at, ?2 - (e.value ->> 0)), ?2, r.claimed_by, e.value ->> 1
  FROM json_each(?1) AS e CROSS JOIN jobs_running AS r ON r.id = CAST(e.key AS INTEGER) WHERE r.fence = ?3 AND r.plain = 1`;
const betweenSql =
  "SELECT count(*) AS n, min(line) AS first, max(line) AS last FROM jobs_running WHERE id BETWEEN ? AND ?";
const linesSql =
  "SELECT r.line, count(*) FROM json_each(?) AS e CROSS JOIN jobs_running AS r ON r.id = e.value GROUP BY r.line";
const leaveRangeSql = "DELETE FROM jobs_running WHERE id BETWEEN ? AND ?";
const leaveSql = "DELETE FROM jobs_running WHERE id IN (SELECT value FROM json_each(?))";

/**
 * From `jobs_running` to `jobs_done`, all of one fence as one: nearly all are first claims. Returns the positions of those that are
 * not plain, or not hot with this fence.
 */
export function endPlain(session: Session, ends: ProcessedEnds): number[] {
  const left: number[] = [];
  for (const [fence, group] of byFence(ends.fences)) {
    // Ascending, as the tables are; the same job twice ends once.
    const sorted = group.toSorted((a, b) => idAt(ends, a) - idAt(ends, b));
    const isSecond = (at: number, index: number): boolean =>
      index > 0 && idAt(ends, at) === idAt(ends, sorted[index - 1]);
    const once = sorted.filter((at, index) => !isSecond(at, index));
    if (once.length < sorted.length) left.push(...sorted.filter(isSecond));
    left.push(...end(session, ends, fence, once));
  }
  return left;
}

function byFence(fences: readonly number[]): Iterable<[number, number[]]> {
  const positions = Array.from(fences, (_, at) => at);
  const [first = 0] = fences;
  return fences.every((fence) => fence === first)
    ? [[first, positions]]
    : Map.groupBy(positions, (at) => fences[at] ?? 0);
}

function idAt({ ids }: ProcessedEnds, at: number | undefined): number {
  return ids[at ?? -1] ?? 0;
}

/** Returns those of these positions that do not end here. */
function end(session: Session, ends: ProcessedEnds, fence: number, positions: readonly number[]): readonly number[] {
  const { results } = ends;
  const sql = results === undefined ? doneSql : doneWithSql;
  const moved = session.run(sql, textOf(ends, positions), session.now, fence);
  if (moved === 0) return positions;
  let ended = positions;
  let left: readonly number[] = [];
  if (moved < positions.length) {
    const found = new Set(session.rows<[number]>(foundSql, idsText(ends, positions), fence).map(([id]) => id));
    ended = positions.filter((at) => found.has(idAt(ends, at)));
    left = positions.filter((at) => !found.has(idAt(ends, at)));
  }
  if (results !== undefined) {
    for (const at of ended) {
      const result = results[at] ?? null;
      if (isLong(result)) keepOutcome(session, idAt(ends, at), result, undefined);
    }
  }
  leave(session, ends, ended);
  return left;
}

/** Off `jobs_running`, and counted. Most often they are all that runs between the first and the last of them, and of one line. */
function leave(session: Session, ends: ProcessedEnds, ended: readonly number[]): void {
  const [first, last] = [idAt(ends, ended[0]), idAt(ends, ended.at(-1))];
  const between = session.get<{ n: number; first: number; last: number }>(betweenSql, first, last);
  const ids = idsText(ends, ended);
  const lines =
    between !== undefined && between.first === between.last
      ? ([[between.first, ended.length]] as const)
      : session.rows<[number, number]>(linesSql, ids);
  if (between?.n === ended.length) session.run(leaveRangeSql, first, last);
  else session.run(leaveSql, ids);
  for (const [line, count] of lines) {
    const counted = session.lineOf(line);
    session.count(counted, "in_progress", -count);
    session.count(counted, "processed", count);
  }
}

function idsText(ends: ProcessedEnds, positions: readonly number[]): string {
  return JSON.stringify(positions.map((at) => idAt(ends, at)));
}

function isLong(result: string | null): result is string {
  return result !== null && result.length > resultLengthMax;
}

function textOf(ends: ProcessedEnds, positions: readonly number[]): string {
  const { results, startedMs } = ends;
  const parts = positions.map((at) => {
    const start = startedMs?.[at] ?? null;
    if (results === undefined) return `"${idAt(ends, at)}":${start}`;
    const result = results[at] ?? null;
    return `"${idAt(ends, at)}":[${start},${isLong(result) ? "null" : JSON.stringify(result)}]`;
  });
  return `{${parts.join(",")}}`;
}
