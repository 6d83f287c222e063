import type { JobStatus } from "../../../core/job.ts";
import type { JobQuery } from "../../transporter.ts";
import { idText } from "../ids.ts";

const ended: readonly JobStatus[] = ["waiting", "delayed", "queued", "processed", "failed", "cancelled"];

/** The statement of a listing, and its values. Statuses of running jobs are written out: their index is partial. */
export function listing(schema: string, query: JobQuery): { text: string; values: unknown[] } {
  const values: unknown[] = [query.limit];
  const bound = (value: unknown): string => `$${values.push(value)}`;
  const narrow: string[] = [];
  if (query.flowId !== undefined) narrow.push(`j.flow_id = ${bound(idText(query.flowId))}`);
  if (query.name !== undefined) narrow.push(`j.name = ${bound(query.name)}`);
  if (query.after !== undefined) narrow.push(`j.id > ${bound(idText(query.after))}`);
  if (query.flowId !== undefined || (query.status === undefined && query.queue === undefined)) {
    if (query.status !== undefined) narrow.push(`j.status = ${bound(query.status)}`);
    if (query.queue !== undefined) narrow.push(`j.queue = ${bound(query.queue)}`);
    const filter = narrow.length === 0 ? "" : `WHERE ${narrow.join(" AND ")}`;
    return { text: `SELECT j.* FROM ${schema}.job j ${filter} ORDER BY j.id LIMIT $1`, values };
  }
  const queue = query.queue === undefined ? undefined : bound(query.queue);
  const and = narrow.map((condition) => ` AND ${condition}`).join("");
  const parts: string[] = [];
  if (query.status === undefined || query.status === "in_progress") {
    const inQueue = queue === undefined ? "" : ` AND j.queue = ${queue}`;
    parts.push(
      `(SELECT j.id FROM ${schema}.job j WHERE j.status = 'in_progress'${inQueue}${and} ORDER BY j.id LIMIT $1)`,
    );
  }
  if (query.status !== "in_progress") {
    const statuses = bound(query.status === undefined ? ended : [query.status]);
    parts.push(`(SELECT f.id FROM (${lines(schema, queue)}) l CROSS JOIN unnest(${statuses}::text[]) AS s(status)
      CROSS JOIN LATERAL (SELECT j.id FROM ${schema}.job j
        WHERE j.status || ':' || j.lane || ':' || j.queue = s.status || ':' || l.lane || ':' || l.queue
          AND j.status || '' <> 'in_progress'${and} ORDER BY j.id LIMIT $1) f
      ORDER BY f.id LIMIT $1)`);
  }
  return {
    text: `SELECT j.* FROM (SELECT p.id FROM (${parts.join(" UNION ALL ")}) p ORDER BY p.id LIMIT $1) found JOIN ${schema}.job j USING (id) ORDER BY j.id`,
    values,
  };
}

/** Every line that has or had jobs, from the counters (`sight-tables.ts`). */
function lines(schema: string, queue: string | undefined): string {
  const where = queue === undefined ? "" : ` WHERE queue = ${queue}`;
  return `SELECT queue, lane FROM ${schema}.count${where} UNION SELECT queue, lane FROM ${schema}.count_delta${where}`;
}
