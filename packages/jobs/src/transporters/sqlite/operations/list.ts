import type { SQLInputValue } from "node:sqlite";
import type { Job, JobStatus } from "../../../core/job.ts";
import type { JobQuery } from "../../transporter.ts";
import { type FullJobRow, idNumber, toJob } from "../rows.ts";
import type { Session } from "../session.ts";
import { isListed, places } from "./hot.ts";
import { fullSql, statusNow } from "./read.ts";
import { countRows } from "./sight.ts";

const statuses: readonly JobStatus[] = [
  "waiting",
  "delayed",
  "queued",
  "in_progress",
  "processed",
  "failed",
  "cancelled",
];
const listedSql = `SELECT id FROM jobs_job INDEXED BY jobs_job_listed WHERE ${isListed} AND status = ? AND queue = ? AND lane = ?`;
const runningSql = "SELECT id FROM jobs_job INDEXED BY jobs_job_running WHERE status = 'in_progress'";
/** The hot ones (`hot-schema.ts`), whose names are in their rows. CROSS JOIN keeps SQLite to this order. */
const hot = (table: string): string =>
  `SELECT h.id AS id FROM ${table} AS h CROSS JOIN jobs_job AS j ON j.id = h.id WHERE true`;
const hotRunningSql = hot("jobs_running");
const hotDoneSql = `${hot("jobs_done")} AND h.line = ?`;
const hotReadySql = `${hot("jobs_ready")} AND h.line = ? AND h.place = ?`;

/**
 * Ascending by id, so that `after` walks them page by page. By status or queue they are walked to, a stretch of the index for
 * each line and status that has any, and merged: a million others are not passed on the way. What is left to be passed is jobs
 * of another name.
 */
export function list(session: Session, query: JobQuery): Job[] {
  if (query.flowId !== undefined || (query.status === undefined && query.queue === undefined))
    return walk(session, query);
  const ids = new Set<number>();
  for (const id of found(session, query)) ids.add(id);
  const first = [...ids].toSorted((a, b) => a - b).slice(0, query.limit);
  const jobs: Job[] = [];
  for (const id of first) {
    const row = session.get<FullJobRow>(`${fullSql} WHERE j.id = ?`, id);
    // Between two looks it may have gone on.
    if (row !== undefined && (query.status === undefined || row.status === query.status)) jobs.push(toJob(row));
  }
  return jobs;
}

function found(session: Session, query: JobQuery): number[] {
  const ids: number[] = [];
  const add = (sql: string, params: readonly SQLInputValue[], id = "id"): void => {
    const { conditions, values } = narrowed(query, id);
    const rows = session.all<{ id: number }>(
      `${[sql, ...conditions].join(" AND ")} ORDER BY ${id} LIMIT ?`,
      ...params,
      ...values,
      query.limit,
    );
    for (const row of rows) ids.push(row.id);
  };
  const asked = query.status === undefined ? statuses : [query.status];
  if (asked.includes("in_progress")) {
    const queue = query.queue === undefined ? [] : [query.queue];
    const inQueue = queue.length === 0 ? "" : " AND queue = ?";
    add(runningSql + inQueue, queue);
    add(hotRunningSql + inQueue, queue, "h.id");
  }
  for (const row of countRows(session)) {
    if (query.queue !== undefined && row.queue !== query.queue) continue;
    const line = session.line(row.queue, row.lane) ?? -1;
    for (const status of asked) {
      if (status === "in_progress" || row[status] <= 0) continue;
      add(listedSql, [status, row.queue, row.lane]);
      if (status === "processed") add(hotDoneSql, [line], "h.id");
      if (status === "queued") for (const place of places(session, line)) add(hotReadySql, [line, place], "h.id");
    }
  }
  return ids;
}

function narrowed(query: JobQuery, id: string): { conditions: string[]; values: SQLInputValue[] } {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  if (query.name !== undefined) {
    conditions.push("name = ?");
    values.push(query.name);
  }
  if (query.after !== undefined) {
    conditions.push(`${id} > ?`);
    values.push(idNumber(query.after));
  }
  return { conditions, values };
}

/** In a flow, whose jobs have an index and a bound; or all, by id. */
function walk(session: Session, query: JobQuery): Job[] {
  const conditions: string[] = [];
  const params: SQLInputValue[] = [];
  const where = (condition: string, value: SQLInputValue): void => {
    conditions.push(condition);
    params.push(value);
  };
  if (query.flowId !== undefined) where("j.flow_id = ?", idNumber(query.flowId));
  if (query.status !== undefined) where(`${statusNow} = ?`, query.status);
  if (query.queue !== undefined) where("j.queue = ?", query.queue);
  if (query.name !== undefined) where("j.name = ?", query.name);
  if (query.after !== undefined) where("j.id > ?", idNumber(query.after));
  const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return session.all<FullJobRow>(`${fullSql} ${filter} ORDER BY j.id LIMIT ?`, ...params, query.limit).map(toJob);
}
