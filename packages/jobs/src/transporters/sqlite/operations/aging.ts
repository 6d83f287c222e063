import { agedPriority } from "../../../core/queue.ts";
import type { Session } from "../session.ts";
import { ofPlace, places } from "./hot.ts";
import type { Ready } from "./hot-claim.ts";

const membersSql = `SELECT r.id, j.woken, j.limit_key, j.ready_at FROM jobs_ready AS r CROSS JOIN jobs_job AS j ON j.id = r.id
  WHERE r.line = ? AND r.place = ? AND j.name IN (SELECT value FROM json_each(?)) ORDER BY r.id LIMIT ? + 0`;

/**
 * Ready jobs in the order that aging gives them (L16). Priorities that grow with time fit no index; but within one priority and one
 * number of attempts the order stays that of ids, and there are few such places (256 priorities, decay leaves as many as
 * attempts): the best of the places' first ones are the best of all, at any backlog.
 */
export function agedReady(
  session: Session,
  line: number,
  names: readonly string[],
  limit: number,
  agingMs: number,
): Ready[] {
  const found: (Ready & { used: number; aged: number })[] = [];
  for (const place of places(session, line)) {
    const { priority, used } = ofPlace(place);
    const rows = session.rows<[number, number, string | null, number]>(
      membersSql,
      line,
      place,
      JSON.stringify(names),
      limit,
    );
    for (const [id, woken, limitKey, readyAt] of rows) {
      const aged = agedPriority(priority, session.now - readyAt, agingMs);
      found.push({ place, id, woken: woken === 1, limitKey, used, aged });
    }
  }
  return found.toSorted((a, b) => b.aged - a.aged || a.used - b.used || a.id - b.id).slice(0, limit);
}
