import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { JobsError } from "../../core/errors.ts";
import type { JobStatus, Lane } from "../../core/job.ts";

/** Statements of callers (`sql.query`) are many: the oldest are dropped past this number. */
const statementsKeptMax = 500;

const lineSql = "SELECT id FROM jobs_line WHERE queue = ? AND lane = ?";
const newLineSql = "INSERT INTO jobs_line (queue, lane) VALUES (?, ?) RETURNING id";
const lineOfSql = "SELECT id, queue, lane FROM jobs_line WHERE id = ?";
/** With its counters, which triggers only add to. */
const newCountSql = "INSERT INTO jobs_count VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING";
const countSql = `UPDATE jobs_count SET waiting = waiting + ?, delayed = delayed + ?, queued = queued + ?, in_progress = in_progress + ?,
  processed = processed + ?, failed = failed + ?, cancelled = cancelled + ? WHERE queue = ? AND lane = ?`;

export type Row = Record<string, unknown>;

/** A queue's lane: hot tables name it by its number. */
export interface Line {
  id: number;
  queue: string;
  lane: Lane;
}

/**
 * One connection as the operations see it: prepared statements, the store's clock for the call, and the queues in which
 * it made jobs ready. Used by the writer's thread and on a caller's own handle alike.
 */
export class Session {
  readonly db: DatabaseSync;
  /** ms since 1970, offset included; set by whoever runs an operation. */
  now = 0;
  /** Queues with newly ready jobs since the last look: told to listeners after the commit. */
  readonly ready = new Set<string>();
  readonly #statements = new Map<string, StatementSync>();
  readonly #lines = new Map<string, Line>();
  readonly #linesById = new Map<number, Line>();
  readonly #counted = new Map<string, Map<JobStatus, number>>();

  constructor(db: DatabaseSync) {
    this.db = db;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      if (this.#statements.size >= statementsKeptMax) {
        const oldest = this.#statements.keys().next().value;
        if (oldest !== undefined) this.#statements.delete(oldest);
      }
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Returns the number of rows changed. */
  run(sql: string, ...params: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...params).changes);
  }

  /** `R` is the shape that the statement's columns have; tables are STRICT, so that it holds. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- stands with the statement, at the call
  get<R = Row>(sql: string, ...params: SQLInputValue[]): R | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.prepare(sql).get(...params) as R | undefined;
  }

  all<R = Row>(sql: string, ...params: SQLInputValue[]): R[] {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.prepare(sql).all(...params) as R[];
  }

  /** As `all`, each row an array: what is read in bulk costs a third less so. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- stands with the statement, at the call
  rows<R extends unknown[]>(sql: string, ...params: SQLInputValue[]): R[] {
    const statement = this.prepare(sql);
    statement.setReturnArrays(true);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return statement.all(...params) as unknown as R[];
  }

  /** The line's number; undefined when nothing was ever enqueued there. */
  line(queue: string, lane: Lane): number | undefined {
    const key = `${lane}:${queue}`;
    const known = this.#lines.get(key);
    if (known !== undefined) return known.id;
    const row = this.get<{ id: number }>(lineSql, queue, lane);
    return row === undefined ? undefined : this.#keep({ id: row.id, queue, lane }).id;
  }

  /** As `line`, of jobs that are being enqueued. */
  newLine(queue: string, lane: Lane): number {
    const known = this.line(queue, lane);
    if (known !== undefined) return known;
    const id = this.get<{ id: number }>(newLineSql, queue, lane)?.id;
    if (id === undefined) throw new JobsError("store_unavailable", `no line for queue "${queue}": restore a backup`);
    this.run(newCountSql, queue, lane);
    return this.#keep({ id, queue, lane }).id;
  }

  lineOf(id: number): Line {
    const known = this.#linesById.get(id);
    if (known !== undefined) return known;
    const line = this.get<Line>(lineOfSql, id);
    if (line === undefined) throw new JobsError("store_unavailable", `line ${id} has no row: restore a backup`);
    return this.#keep(line);
  }

  #keep(line: Line): Line {
    this.#lines.set(`${line.lane}:${line.queue}`, line);
    this.#linesById.set(line.id, line);
    return line;
  }

  /** Counters are written once for an operation, by `flushCounts` at its end (L15). */
  count({ queue, lane }: { queue: string; lane: Lane }, status: JobStatus, by: number): void {
    const key = `${lane}:${queue}`;
    let counted = this.#counted.get(key);
    if (counted === undefined) {
      counted = new Map();
      this.#counted.set(key, counted);
    }
    counted.set(status, (counted.get(status) ?? 0) + by);
  }

  flushCounts(): void {
    for (const [key, counted] of this.#counted) {
      const lane = key.slice(0, key.indexOf(":"));
      const of = (status: JobStatus): number => counted.get(status) ?? 0;
      this.run(
        countSql,
        of("waiting"),
        of("delayed"),
        of("queued"),
        of("in_progress"),
        of("processed"),
        of("failed"),
        of("cancelled"),
        key.slice(lane.length + 1),
        lane,
      );
    }
    this.#counted.clear();
  }

  /** After anything was rolled back, and wherever others may have done so: what was kept beside the file may not hold any more. */
  forget(): void {
    this.#lines.clear();
    this.#linesById.clear();
    this.#counted.clear();
  }
}
