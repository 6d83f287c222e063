import type { DatabaseSync } from "node:sqlite";
import { realpathSync } from "node:fs";
import { JobsError } from "../../core/errors.ts";
import type { SqlResult, Tx } from "../transporter.ts";
import { typed } from "./errors.ts";
import { query } from "./operations/query.ts";
import { Session } from "./session.ts";

/** A transaction on this Transporter's own writer. */
export class WriterTx implements Tx {
  readonly owner: object;
  readonly number: number;
  readonly #query: (sql: string, params: readonly unknown[]) => Promise<SqlResult>;

  constructor(owner: object, number: number, run: (sql: string, params: readonly unknown[]) => Promise<SqlResult>) {
    this.owner = owner;
    this.number = number;
    this.#query = run;
  }

  query(sql: string, params: readonly unknown[] = []): Promise<SqlResult> {
    return this.#query(sql, params);
  }
}

/** A transaction that the caller has open on a handle of its own. */
export class HandleTx implements Tx {
  readonly session: Session;

  constructor(db: DatabaseSync) {
    this.session = new Session(db);
  }

  async query(sql: string, params: readonly unknown[] = []): Promise<SqlResult> {
    return query(this.session, sql, params, true);
  }

  /** Runs an operation in the caller's transaction, in a savepoint: one that throws has changed nothing. */
  run<T>(path: string, clockOffsetMs: number, operation: (session: Session) => T): T {
    const { db } = this.session;
    this.#check(path);
    this.session.now = Date.now() + clockOffsetMs;
    // What earlier calls found may have been rolled back by the caller.
    this.session.forget();
    try {
      db.exec("SAVEPOINT provost_jobs");
      const result = operation(this.session);
      db.exec("RELEASE provost_jobs");
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK TO provost_jobs; RELEASE provost_jobs");
      throw typed(error, path);
    }
  }

  #check(path: string): void {
    const { db } = this.session;
    if (!db.isOpen || !db.isTransaction) {
      throw new JobsError(
        "transaction_foreign",
        `the handle given to fromDatabaseSync has no open transaction: db.exec("BEGIN IMMEDIATE") first`,
      );
    }
    const location = db.location();
    if (location === null || realpathSync(location) !== realpathSync(path)) {
      throw new JobsError(
        "transaction_foreign",
        `the handle is on ${location ?? "memory"}, the store on ${path}: open the store's file`,
      );
    }
  }
}

const handles = new WeakMap<DatabaseSync, HandleTx>();

/**
 * A `Tx` of the caller's own `node:sqlite` handle on the store's file, for `enqueue`, `wake` and `amend` within a
 * transaction that the caller begins (`BEGIN IMMEDIATE`) and commits. The store must have been started once on that file.
 * Durability is the handle's: leave `synchronous` at FULL, SQLite's default (L11).
 */
export function fromDatabaseSync(db: DatabaseSync): Tx {
  let tx = handles.get(db);
  if (tx === undefined) {
    tx = new HandleTx(db);
    handles.set(db, tx);
  }
  return tx;
}
