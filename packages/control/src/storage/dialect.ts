import type { SqlAccess, Tx } from "@provost/jobs";
import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from "kysely";
import type { Database } from "./schema.ts";

/** The dialects of `transporter.capabilities.sql`. */
export type SqlDialect = "sqlite" | "postgres";

/** A query builder over the Transporter's connections, or over one of its open transactions (L11). */
export function queryBuilder(dialect: SqlDialect, runner: Pick<SqlAccess | Tx, "query">): Kysely<Database> {
  return new Kysely<Database>({ dialect: new TransporterDialect(dialect, runner) });
}

class TransporterDialect implements Dialect {
  readonly #dialect: SqlDialect;
  readonly #runner: Pick<SqlAccess, "query">;

  constructor(dialect: SqlDialect, runner: Pick<SqlAccess, "query">) {
    this.#dialect = dialect;
    this.#runner = runner;
  }

  createDriver(): Driver {
    return new BorrowedDriver(this.#runner);
  }

  createQueryCompiler() {
    return this.#dialect === "sqlite" ? new SqliteQueryCompiler() : new PostgresQueryCompiler();
  }

  createAdapter() {
    return this.#dialect === "sqlite" ? new SqliteAdapter() : new PostgresAdapter();
  }

  createIntrospector(db: Kysely<unknown>) {
    return this.#dialect === "sqlite" ? new SqliteIntrospector(db) : new PostgresIntrospector(db);
  }
}

/** Refused: transactions are the Transporter's, see `Store.write`. */
class TransactionRefused extends TypeError {
  readonly code = "transaction_refused";

  constructor() {
    super("kysely's own transaction() was called: use Store.write, whose transaction the jobs share");
  }
}

/** Nothing to open or to close: the connections belong to the Transporter. */
class BorrowedDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(runner: Pick<SqlAccess, "query">) {
    this.#connection = new BorrowedConnection(runner);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  beginTransaction(): Promise<void> {
    return Promise.reject(new TransactionRefused());
  }

  commitTransaction(): Promise<void> {
    return Promise.reject(new TransactionRefused());
  }

  rollbackTransaction(): Promise<void> {
    return Promise.reject(new TransactionRefused());
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class BorrowedConnection implements DatabaseConnection {
  readonly #runner: Pick<SqlAccess, "query">;

  constructor(runner: Pick<SqlAccess, "query">) {
    this.#runner = runner;
  }

  async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    const result = await this.#runner.query(compiled.sql, compiled.parameters);
    // The builder knows the columns that it asked for; the connection does not.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { rows: result.rows as R[], numAffectedRows: BigInt(result.changes) };
  }

  /** Rows come in pages by keyset here, so one chunk is all there is to stream. */
  async *streamQuery<R>(compiled: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(compiled);
  }
}
