import { ProvostError, type InstanceEvent, type Stage } from "@provost/contract";
import type { SqlAccess, Transporter, Tx } from "@provost/jobs";
import type { Kysely } from "kysely";
import { currentAct } from "../access/acting.ts";
import { insertAuditLine, type AuditLine } from "../access/audit-line.ts";
import { queryBuilder, type SqlDialect } from "./dialect.ts";
import { migrate } from "./migrations.ts";
import { eventView } from "./rows.ts";
import type { Database } from "./schema.ts";

/** One write transaction: queries, events and jobs in it are all or none (L11). */
export interface Write {
  readonly db: Kysely<Database>;
  /** For `manager.enqueue(…, { tx })` and `manager.wake(…, { tx })`. */
  readonly tx: Tx;
  /**
   * Adds a line to an instance's story; listeners hear it after the commit. Call it after the instance's row was written in
   * this transaction: the row's lock puts the events of one instance in the order of their commits.
   */
  event(line: EventLine): Promise<void>;
  /** As `event`, many in one statement; of one instance at most one. */
  events(lines: readonly EventLine[]): Promise<void>;
  /** Tells the audit log what is done here, and in whose name (C15): with the commit, or not at all. */
  audit(line: AuditLine): Promise<void>;
  /** Name of the token in whose name this is done; undefined where nobody has asked. */
  readonly by: string | undefined;
}

export interface EventLine {
  instanceId: string;
  at: number;
  kind: InstanceEvent["kind"];
  message: string;
  stage?: Stage | undefined;
  taskId?: string | undefined;
  log?: string | undefined;
}

/** The control plane's tables, on the Transporter's own connections. */
export class Store {
  readonly db: Kysely<Database>;
  readonly #dialect: SqlDialect;
  readonly #sql: SqlAccess;
  readonly #transporter: Transporter;
  readonly #listeners = new Set<(event: InstanceEvent) => void>();
  #onEvent: ((write: Write, event: InstanceEvent) => Promise<void>) | undefined;

  /** Throws `database_unusable` for a Transporter without SQL. */
  constructor(transporter: Transporter) {
    const dialect = transporter.capabilities.sql;
    if (dialect === false || transporter.sql === undefined) {
      throw new ProvostError(
        "database_unusable",
        "The job store has no SQL: instances need SQLite or PostgreSQL. Start with one of these.",
      );
    }
    this.#dialect = dialect;
    this.#sql = transporter.sql;
    this.#transporter = transporter;
    this.db = queryBuilder(dialect, transporter.sql);
  }

  async migrate(): Promise<void> {
    await migrate(this.#dialect, this.#sql);
  }

  /** The store's clock: everything that servers compare is told by it. Ask before a transaction, not inside. */
  now(): Promise<number> {
    return this.#transporter.now();
  }

  /** What it is, as people are shown it. */
  async about(): Promise<{ kind: SqlDialect; version: string }> {
    const { rows } = await this.#sql.query(versionQueries[this.#dialect]);
    const version = rows[0]?.["version"];
    return { kind: this.#dialect, version: typeof version === "string" ? version : "" };
  }

  /** Runs `fn` in one short transaction; its events are published when it has committed. */
  async write<T>(fn: (write: Write) => Promise<T>): Promise<T> {
    const events: InstanceEvent[] = [];
    // Read here: the transaction may be begun for this call by whoever has the connection.
    const act = currentAct();
    let lines = 0;
    const result = await this.#sql.transaction(async (tx) => {
      const db = queryBuilder(this.#dialect, tx);
      const write: Write = {
        db,
        tx,
        event: (line) => write.events([line]),
        events: async (all) => {
          if (all.length === 0) return;
          const told = await insertEvents(db, all);
          events.push(...told);
          for (const event of told) await this.#onEvent?.(write, event);
        },
        audit: async (line) => {
          await insertAuditLine(db, act, line);
          lines += 1;
        },
        by: act?.actor.name,
      };
      return fn(write);
    });
    if (act !== undefined) act.lines += lines;
    for (const event of events) this.#publish(event);
    return result;
  }

  /** What joins the transaction of every event: stands and falls with it. */
  onEvent(join: (write: Write, event: InstanceEvent) => Promise<void>): void {
    this.#onEvent = join;
  }

  subscribe(listener: (event: InstanceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(event: InstanceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const versionQueries: Record<SqlDialect, string> = {
  sqlite: "select sqlite_version() as version",
  postgres: "select current_setting('server_version') as version",
};

async function insertEvents(db: Kysely<Database>, lines: readonly EventLine[]): Promise<InstanceEvent[]> {
  const rows = await db
    .insertInto("control_instance_event")
    .values(
      lines.map((line) => ({
        instance_id: line.instanceId,
        at: line.at,
        kind: line.kind,
        message: line.message,
        stage: line.stage ?? null,
        task_id: line.taskId ?? null,
        log: line.log ?? null,
      })),
    )
    .returningAll()
    .execute();
  return rows.map(eventView);
}
