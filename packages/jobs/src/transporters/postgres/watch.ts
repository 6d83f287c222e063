import type { JobId } from "../../core/job.ts";
import { checkBatch } from "../bounds.ts";
import { linesPerAttempt, type LogLine, type LogStore, type NewLogLine } from "../logs.ts";
import type { MinuteLevel, MinuteRow, MinuteStore } from "../minutes.ts";
import type { Connections } from "./connections.ts";
import { idText } from "./ids.ts";
import { countsNow } from "./sql/sight-tables.ts";

const keptMs = 24 * 60 * 60_000;

const putSql = (schema: string): string => `INSERT INTO ${schema}.minute AS m
    (minute, manager, name, queue, processed, failed, cancelled, retried, waits, runs)
  SELECT r.minute, $1, r.name, r.queue, r.processed, r.failed, r.cancelled, r.retried, r.waits, r.runs
  FROM json_to_recordset($2) AS r(minute bigint, name text, queue text, processed integer, failed integer, cancelled integer,
    retried integer, waits text, runs text)
  ON CONFLICT (minute, manager, name, queue) DO UPDATE SET processed = excluded.processed, failed = excluded.failed,
    cancelled = excluded.cancelled, retried = excluded.retried, waits = excluded.waits, runs = excluded.runs`;
const levelSql = (
  schema: string,
): string => `INSERT INTO ${schema}.level AS l (minute, waiting, delayed, queued, in_progress)
  SELECT $1, coalesce(sum(c.waiting), 0), coalesce(sum(c.delayed), 0), coalesce(sum(c.queued), 0), coalesce(sum(c.in_progress), 0)
  FROM (${countsNow(schema)}) c
  ON CONFLICT (minute) DO UPDATE SET waiting = excluded.waiting, delayed = excluded.delayed, queued = excluded.queued,
    in_progress = excluded.in_progress`;

/** Minutes and logs (L15). What is put is put again after a lost connection: that changes nothing. */
export class PostgresWatch {
  readonly minutes: MinuteStore;
  readonly logs: LogStore;
  readonly #connections: Connections;
  readonly #schema: string;
  readonly #offsetMs: () => number;

  /** `schema` is the quoted name. */
  constructor(connections: Connections, schema: string, offsetMs: () => number) {
    this.#connections = connections;
    this.#schema = schema;
    this.#offsetMs = offsetMs;
    this.minutes = {
      put: (manager, rows, level) => this.#put(manager, rows, level),
      read: (from) => this.#read(from),
    };
    this.logs = { add: (lines) => this.#add(lines), read: (query) => this.#lines(query) };
  }

  async #put(manager: string, rows: readonly MinuteRow[], level?: number): Promise<void> {
    checkBatch("minutes", rows.length);
    if (rows.length > 0) await this.#connections.query(putSql(this.#schema), [manager, JSON.stringify(rows)]);
    if (level === undefined) return;
    await this.#connections.query(levelSql(this.#schema), [level]);
    for (const table of ["minute", "level"]) {
      await this.#connections.query(
        `DELETE FROM ${this.#schema}.${table} WHERE minute < ${this.#schema}.now_ms($1) - $2::bigint`,
        [this.#offsetMs(), keptMs],
      );
    }
  }

  async #read(from: number): Promise<{ rows: MinuteRow[]; levels: MinuteLevel[] }> {
    const [rows, levels] = await Promise.all([
      this.#connections.query<Omit<MinuteRow, "minute"> & { minute: string }>(
        `SELECT minute, name, queue, processed, failed, cancelled, retried, waits, runs FROM ${this.#schema}.minute WHERE minute >= $1
        ORDER BY minute, manager, name, queue`,
        [from],
      ),
      this.#connections.query<Record<"minute" | "waiting" | "delayed" | "queued" | "in_progress", string>>(
        `SELECT minute, waiting, delayed, queued, in_progress FROM ${this.#schema}.level WHERE minute >= $1 ORDER BY minute`,
        [from],
      ),
    ]);
    return {
      rows: rows.map((row) => ({ ...row, minute: Number(row.minute) })),
      levels: levels.map((level) => ({
        minute: Number(level.minute),
        waiting: Number(level.waiting),
        delayed: Number(level.delayed),
        queued: Number(level.queued),
        inProgress: Number(level.in_progress),
      })),
    };
  }

  /** Only of jobs that are still there: what comes late for a pruned one would be kept for ever. */
  async #add(lines: readonly NewLogLine[]): Promise<void> {
    if (lines.length === 0) return;
    checkBatch("log lines", lines.length);
    const told = lines.map(({ line, ...rest }) => ({ ...rest, jobId: idText(rest.jobId), line }));
    await this.#connections.query(
      `INSERT INTO ${this.#schema}.log (job_id, seq, at, fence, stream, message, fields)
        SELECT j.id, r.fence::bigint * ${linesPerAttempt} + r.line, ${this.#schema}.now_ms($2) - r."agoMs", r.fence, r.stream, r.message, r.fields
        FROM json_to_recordset($1) AS r("jobId" bigint, fence integer, line integer, "agoMs" bigint, stream text, message text, fields text)
        JOIN ${this.#schema}.job j ON j.id = r."jobId" ON CONFLICT DO NOTHING`,
      [JSON.stringify(told), this.#offsetMs()],
    );
  }

  async #lines(query: { jobId: JobId; after?: number; limit: number }): Promise<LogLine[]> {
    checkBatch("log lines", query.limit);
    const rows = await this.#connections.query<
      Record<"seq" | "at", string> & Omit<LogLine, "seq" | "at" | "fields"> & { fields: string | null }
    >(
      `SELECT seq, at, fence, stream, message, fields FROM ${this.#schema}.log WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [idText(query.jobId), query.after ?? 0, query.limit],
    );
    return rows.map(({ fields, seq, at, fence, stream, message }) => ({
      seq: Number(seq),
      fence,
      at: Number(at),
      stream,
      message,
      ...(fields === null ? {} : { fields }),
    }));
  }
}
