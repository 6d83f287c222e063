import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

/** Statements of callers (`sql.query`) are many: the oldest are dropped past this number. */
const statementsKeptMax = 500;

export type Row = Record<string, unknown>;

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
}
