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

const foundSql = `SELECT r.id, r.line FROM json_each(?) AS e CROSS JOIN jobs_running AS r ON r.id = e.value WHERE r.fence = ? AND r.plain = 1`;
const doneSql = `INSERT INTO jobs_done (line, id, fence, started_at, finished_at, claimed_by)
  SELECT r.line, r.id, r.fence, r.started_at, ?2, r.claimed_by FROM json_each(?1) AS e CROSS JOIN jobs_running AS r ON r.id = e.value`;
/** Keys are ids, so that a result is unpacked once. */
const doneWithSql = `INSERT INTO jobs_done (line, id, fence, started_at, finished_at, claimed_by, result)
  SELECT r.line, r.id, r.fence, r.started_at, ?2, r.claimed_by, e.value
  FROM json_each(?1) AS e CROSS JOIN jobs_running AS r ON r.id = CAST(e.key AS INTEGER)`;
/** Those that were claimed ahead (L16): their start comes with their end. */
const startedSql = `UPDATE jobs_running SET started_at = ?2 - e.value FROM json_each(?1) AS e
  WHERE jobs_running.id = CAST(e.key AS INTEGER) AND started_at IS NULL AND e.value IS NOT NULL`;
const betweenSql = "SELECT count(*) AS n FROM jobs_running WHERE id BETWEEN ? AND ?";
const leaveRangeSql = "DELETE FROM jobs_running WHERE id BETWEEN ? AND ?";
const leaveSql = "DELETE FROM jobs_running WHERE id IN (SELECT value FROM json_each(?))";

/**
 * From `jobs_running` to `jobs_done`, all of one fence as one: nearly all are first claims. Returns the positions of those that are
 * not plain, or not hot with this fence.
 */
export function endPlain(session: Session, ends: ProcessedEnds): number[] {
  const left: number[] = [];
  const positions = Array.from(ends.ids, (_, at) => at);
  for (const [fence, group] of Map.groupBy(positions, (at) => ends.fences[at] ?? 0)) {
    // Ascending, as the tables are; the same job twice ends once.
    const sorted = group.toSorted((a, b) => (ends.ids[a] ?? 0) - (ends.ids[b] ?? 0));
    const found = session.rows<[number, number]>(foundSql, JSON.stringify(sorted.map((at) => ends.ids[at])), fence);
    const lines = new Map(found);
    const ended = sorted.filter((at) => {
      const hot = lines.delete(ends.ids[at] ?? 0);
      if (!hot) left.push(at);
      return hot;
    });
    if (ended.length === 0) continue;
    end(session, ends, ended);
    for (const [line, { length }] of Map.groupBy(new Map(found).values(), (id) => id)) {
      const counted = session.lineOf(line);
      session.count(counted, "in_progress", -length);
      session.count(counted, "processed", length);
    }
  }
  return left;
}

function end(session: Session, { ids, results, startedMs }: ProcessedEnds, ended: readonly number[]): void {
  const hot = ended.map((at) => ids[at] ?? 0);
  if (startedMs !== undefined) {
    const starts = ended.map((at) => `"${ids[at] ?? 0}":${startedMs[at] ?? null}`);
    session.run(startedSql, `{${starts.join(",")}}`, session.now);
  }
  if (results === undefined) session.run(doneSql, JSON.stringify(hot), session.now);
  else
    session.run(
      doneWithSql,
      resultsText(
        session,
        hot,
        ended.map((at) => results[at] ?? null),
      ),
      session.now,
    );
  const [first, last] = [hot[0] ?? 0, hot.at(-1) ?? 0];
  const whole = session.get<{ n: number }>(betweenSql, first, last)?.n === hot.length;
  if (whole) session.run(leaveRangeSql, first, last);
  else session.run(leaveSql, JSON.stringify(hot));
}

function resultsText(session: Session, ids: readonly number[], results: readonly (string | null)[]): string {
  const parts = ids.map((id, at) => {
    const result = results[at] ?? null;
    const short = result === null || result.length <= resultLengthMax;
    if (!short) keepOutcome(session, id, result, undefined);
    return `"${id}":${short ? JSON.stringify(result) : "null"}`;
  });
  return `{${parts.join(",")}}`;
}
