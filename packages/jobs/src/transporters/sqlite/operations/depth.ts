import { JobsError } from "../../../core/errors.ts";
import { queueFull } from "../../../core/queue.ts";
import type { Session } from "../session.ts";
import type { Item } from "./items.ts";

const anySql = "SELECT 1 AS found FROM jobs_queue INDEXED BY jobs_queue_depth WHERE depth_max IS NOT NULL LIMIT 1";
const depthSql = `SELECT q.depth_max, (SELECT coalesce(sum(c.waiting + c.delayed + c.queued), 0) FROM jobs_count AS c WHERE c.queue = q.queue) AS depth
  FROM jobs_queue AS q WHERE q.queue = ? AND q.depth_max IS NOT NULL`;

/** Backpressure (L14): depths come from the counters of L15, whatever the backlog. Throws `queue_full`. */
export function refuseFull(session: Session, items: readonly Item[]): void {
  if (session.get(anySql) === undefined) return;
  session.flushCounts();
  const more = new Map<string, number>();
  const add = (queue: string, count: number): Map<string, number> => more.set(queue, (more.get(queue) ?? 0) + count);
  for (const item of items) {
    if ("like" in item) add(item.like.queue, item.count);
    else for (const { queue } of "job" in item ? [item.job] : item.flow.jobs) add(queue, 1);
  }
  for (const [queue, count] of more) {
    const row = session.get<{ depth_max: number; depth: number }>(depthSql, queue);
    if (row !== undefined && row.depth + count > row.depth_max) {
      throw new JobsError("queue_full", queueFull(queue, row.depth, count, row.depth_max));
    }
  }
}
