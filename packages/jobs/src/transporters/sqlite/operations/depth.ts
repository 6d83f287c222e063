import { JobsError } from "../../../core/errors.ts";
import { queueFull } from "../../../core/queue.ts";
import type { NewItem } from "../../transporter.ts";
import type { Session } from "../session.ts";

const anySql = "SELECT 1 AS found FROM jobs_queue INDEXED BY jobs_queue_depth WHERE depth_max IS NOT NULL LIMIT 1";
const depthSql = `SELECT q.depth_max, (SELECT coalesce(sum(c.waiting + c.delayed + c.queued), 0) FROM jobs_count AS c WHERE c.queue = q.queue) AS depth
  FROM jobs_queue AS q WHERE q.queue = ? AND q.depth_max IS NOT NULL`;

/** Backpressure (L14): depths come from the counters of L15, whatever the backlog. Throws `queue_full`. */
export function refuseFull(session: Session, items: readonly NewItem[]): void {
  if (session.get(anySql) === undefined) return;
  const more = new Map<string, number>();
  for (const item of items) {
    const jobs = "job" in item ? [item.job] : item.flow.jobs;
    for (const { queue } of jobs) more.set(queue, (more.get(queue) ?? 0) + 1);
  }
  for (const [queue, count] of more) {
    const row = session.get<{ depth_max: number; depth: number }>(depthSql, queue);
    if (row !== undefined && row.depth + count > row.depth_max) {
      throw new JobsError("queue_full", queueFull(queue, row.depth, count, row.depth_max));
    }
  }
}
