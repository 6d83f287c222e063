import type { SQLInputValue } from "node:sqlite";
import type { JobId, JobStatus } from "../../../core/job.ts";
import type { BrowsePage, BrowseQuery, FlowMember, JobBrief } from "../../browse.ts";
import { type BriefRow, idNumber, toBrief } from "../rows.ts";
import type { Session } from "../session.ts";
import { isListed, ofPlace, places } from "./hot.ts";
import { hotColumns, hotTables, statusNow } from "./read.ts";
import { countRows } from "./sight.ts";

/** A stretch of an index, walked from its newest job down. Statements end where `id` is bounded. */
interface Stretch {
  sql: string;
  params: readonly SQLInputValue[];
  id: string;
}

/** Of a job that is looked at; `status` only where the stretch is not of one. */
interface Looked {
  id: number;
  name: string;
  queue: string;
  priority: number;
  status?: JobStatus;
}

const byKeyMax = 100;
const ended: readonly JobStatus[] = ["processed", "failed", "cancelled"];
const statuses: readonly JobStatus[] = ["waiting", "delayed", "queued", "in_progress", ...ended];

const listedSql = `SELECT id, name, queue, priority FROM jobs_job INDEXED BY jobs_job_listed
  WHERE ${isListed} AND status = ? AND queue = ? AND lane = ?`;
const runningSql =
  "SELECT id, name, queue, priority FROM jobs_job INDEXED BY jobs_job_running WHERE status = 'in_progress'";
/** CROSS JOIN keeps SQLite to this order. */
const hot = (table: string, where: string): string =>
  `SELECT h.id, j.name, j.queue, j.priority FROM ${table} AS h CROSS JOIN jobs_job AS j ON j.id = h.id WHERE ${where}`;
const hotRunningSql = hot("jobs_running", "true");
const hotDoneSql = hot("jobs_done", "h.line = ?");
const hotReadySql = hot("jobs_ready", "h.line = ? AND h.place = ?");
const allSql = `SELECT j.id, j.name, j.queue, j.priority, ${statusNow} AS status FROM jobs_job AS j ${hotTables}`;
const inFlowSql = `${allSql} WHERE j.flow_id = ?`;

const briefSql = `SELECT ${hotColumns}, o.failure, s.position FROM jobs_job AS j ${hotTables}
  LEFT JOIN jobs_outcome AS o ON o.id = j.id LEFT JOIN jobs_stage AS s ON s.id = j.stage_id`;
const briefByIdSql = `${briefSql} WHERE j.id = ?`;
const membersSql = `SELECT j.id, j.name, j.queue, ${statusNow} AS status, j.priority,
    CASE WHEN r.id IS NOT NULL THEN r.started_at WHEN d.id IS NOT NULL THEN d.started_at ELSE j.started_at END AS started_at,
    coalesce(d.finished_at, j.finished_at) AS finished_at, j.stage_id
  FROM jobs_job AS j ${hotTables} WHERE j.flow_id = ? ORDER BY j.id`;
const holderSql = "SELECT holder, is_flow FROM jobs_unique WHERE key = ?";
const flowJobsSql = `SELECT id FROM jobs_job INDEXED BY jobs_job_flow WHERE flow_id = ? ORDER BY id DESC LIMIT ${byKeyMax}`;
const wakeKeySql = `SELECT id FROM jobs_job INDEXED BY jobs_job_wake WHERE wake_key = ? AND finished_at IS NULL ORDER BY id DESC LIMIT ${byKeyMax}`;
/** As few run as there are slots. */
const claimedSql = `SELECT id FROM jobs_running WHERE claimed_by = ?1
  UNION SELECT id FROM jobs_job INDEXED BY jobs_job_running WHERE status = 'in_progress' AND claimed_by = ?1 ORDER BY id LIMIT ?2`;

/**
 * Each stretch is walked on its own; what is told of is what lies above the lowest place that all of them have come to. So no
 * job is passed over, whichever stretch was the long one.
 */
export function find(session: Session, query: BrowseQuery): BrowsePage {
  const stretches = [...stretchesOf(session, query)];
  const walked =
    query.name !== undefined || query.priority !== undefined || (query.flowId !== undefined && isNarrow(query));
  const part = Math.floor(query.looksMax / Math.max(1, stretches.length));
  const looks = walked ? Math.max(1, part) : query.limit;
  const before = query.before === undefined ? Number.MAX_SAFE_INTEGER : idNumber(query.before);
  const found = new Set<number>();
  let reached = -1;
  for (const { sql, params, id } of stretches) {
    const joined = sql.includes("WHERE") ? "AND" : "WHERE";
    const rows = session.all<Looked>(
      `${sql} ${joined} ${id} < ? ORDER BY ${id} DESC LIMIT ?`,
      ...params,
      before,
      looks,
    );
    const last = rows.at(-1);
    if (rows.length >= looks && last !== undefined) reached = Math.max(reached, last.id);
    for (const row of rows) if (fits(row, query)) found.add(row.id);
  }
  return pageOf(found, reached, query.limit);
}

/** The newest `limit` of what was found down to `reached`, the lowest id that all stretches have come to; -1: their ends. */
function pageOf(found: ReadonlySet<number>, reached: number, limit: number): BrowsePage {
  const all = [...found].filter((id) => id >= reached).toSorted((a, b) => b - a);
  const ids = all.slice(0, limit);
  const next = all.length > limit ? ids.at(-1) : reached === -1 ? undefined : reached;
  return { ids: ids.map(String), ...(next === undefined ? {} : { next: String(next) }) };
}

function isNarrow({ statuses: wanted, queue }: BrowseQuery): boolean {
  return wanted !== undefined || queue !== undefined;
}

function fits(row: Looked, { name, priority, queue, statuses: wanted }: BrowseQuery): boolean {
  return (
    (name === undefined || row.name === name) &&
    (priority === undefined || row.priority === priority) &&
    (queue === undefined || row.queue === queue) &&
    (wanted === undefined || row.status === undefined || wanted.includes(row.status))
  );
}

function* stretchesOf(session: Session, query: BrowseQuery): Generator<Stretch> {
  if (query.flowId !== undefined) {
    yield { sql: inFlowSql, params: [idNumber(query.flowId)], id: "j.id" };
    return;
  }
  if (!isNarrow(query)) {
    yield { sql: allSql, params: [], id: "j.id" };
    return;
  }
  const wanted = query.statuses ?? statuses;
  if (wanted.includes("in_progress")) {
    const of = query.queue === undefined ? "" : " AND queue = ?";
    const params = query.queue === undefined ? [] : [query.queue];
    yield { sql: runningSql + of, params, id: "id" };
    yield { sql: hotRunningSql + of.replace("queue", "j.queue"), params, id: "h.id" };
  }
  for (const row of countRows(session)) {
    if (query.queue !== undefined && row.queue !== query.queue) continue;
    const line = session.line(row.queue, row.lane) ?? -1;
    for (const status of wanted) {
      if (status === "in_progress" || row[status] <= 0) continue;
      yield { sql: listedSql, params: [status, row.queue, row.lane], id: "id" };
      if (status === "processed") yield { sql: hotDoneSql, params: [line], id: "h.id" };
      if (status !== "queued") continue;
      for (const place of places(session, line)) {
        if (query.priority !== undefined && ofPlace(place).priority !== query.priority) continue;
        yield { sql: hotReadySql, params: [line, place], id: "h.id" };
      }
    }
  }
}

export function briefs(session: Session, ids: readonly JobId[]): JobBrief[] {
  return ids.flatMap((id) => {
    const row = session.get<BriefRow>(briefByIdSql, idNumber(id));
    return row === undefined ? [] : [toBrief(row)];
  });
}

export function members(session: Session, flowId: JobId): FlowMember[] {
  type Row = [id: number, name: string, queue: string, JobStatus, number, number | null, number | null, number | null];
  return session
    .rows<Row>(membersSql, idNumber(flowId))
    .map(([id, name, queue, status, priority, startedAt, finishedAt, stageId]) => ({
      id: String(id),
      name,
      queue,
      status,
      priority,
      ...(startedAt === null ? {} : { startedAt }),
      ...(finishedAt === null ? {} : { finishedAt }),
      ...(stageId === null ? {} : { stageId: String(stageId) }),
    }));
}

export function byKey(session: Session, key: string): JobId[] {
  const ids = new Set<number>();
  const holder = session.get<{ holder: number; is_flow: number }>(holderSql, key);
  if (holder?.is_flow === 0) ids.add(holder.holder);
  if (holder?.is_flow === 1) for (const { id } of session.all<{ id: number }>(flowJobsSql, holder.holder)) ids.add(id);
  for (const { id } of session.all<{ id: number }>(wakeKeySql, key)) ids.add(id);
  return [...ids].toSorted((a, b) => b - a).map(String);
}

export function claimedBy(session: Session, manager: string, limit: number): JobBrief[] {
  const rows = session.all<{ id: number }>(claimedSql, manager, limit);
  return briefs(
    session,
    rows.map(({ id }) => String(id)),
  );
}
