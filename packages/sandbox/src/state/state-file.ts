import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { catalog } from "../catalog/catalog.ts";
import { SandboxError } from "../errors.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { StateSink } from "./state-sink.ts";

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE instance (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE label (label TEXT PRIMARY KEY, creates INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What a state file held when it was opened. */
export interface SavedState {
  /** By ascending id. */
  records: InstanceRecord[];
  nextId: number;
  createsByLabel: [label: string, count: number][];
}

/**
 * The account in one SQLite file (WAL). Changes of one turn of the event loop are one transaction, and an answer waits
 * for its own: an answered create is in the file and outlives kill -9. `synchronous = NORMAL` may lose the last
 * moments when the power fails, which a pretend cloud can afford.
 */
export class StateFile implements StateSink {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements: Record<"instance" | "gone" | "label" | "nextId", StatementSync>;
  readonly #nextId: () => number;
  readonly #dirty = new Map<number, InstanceRecord | undefined>();
  readonly #labels = new Map<string, number>();
  #flush: Promise<void> | undefined;
  #closed = false;

  private constructor(database: DatabaseSync, path: string, nextId: () => number) {
    this.#database = database;
    this.#path = path;
    this.#nextId = nextId;
    this.#statements = {
      instance: database.prepare("INSERT OR REPLACE INTO instance (id, body) VALUES (?, ?)"),
      gone: database.prepare("DELETE FROM instance WHERE id = ?"),
      label: database.prepare("INSERT OR REPLACE INTO label (label, creates) VALUES (?, ?)"),
      nextId: database.prepare("INSERT OR REPLACE INTO counter (name, value) VALUES ('next_id', ?)"),
    };
  }

  /** Opens or makes the file, mode 0600, and locks it. `nextId` is read at each write. Throws `sandbox_state_unusable`. */
  static open(path: string, nextId: () => number): { file: StateFile; saved: SavedState } {
    let database: DatabaseSync | undefined;
    try {
      // Callback tokens lie in it: made with its mode before SQLite would make it readable for everybody.
      closeSync(openSync(path, "a", 0o600));
      database = new DatabaseSync(path);
      refuseOldSqlite(database, path);
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      prepareSchema(database, path);
      const saved = readAll(database);
      return { file: new StateFile(database, path, nextId), saved };
    } catch (error) {
      database?.close();
      throw unusable(path, error);
    }
  }

  changed(record: InstanceRecord): void {
    this.#dirty.set(record.id, record);
    this.#schedule();
  }

  removed(record: InstanceRecord): void {
    this.#dirty.set(record.id, undefined);
    this.#schedule();
  }

  countCreate(label: string, count: number): void {
    this.#labels.set(label, count);
    this.#schedule();
  }

  saved(): Promise<void> {
    return this.#flush ?? Promise.resolve();
  }

  close(): void {
    if (this.#closed) return;
    this.#write();
    this.#closed = true;
    this.#database.close();
  }

  #schedule(): void {
    if (this.#closed || this.#flush !== undefined) return;
    this.#flush = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#flush = undefined;
        try {
          if (!this.#closed) this.#write();
          resolve();
        } catch (error) {
          reject(unusable(this.#path, error));
        }
      });
    });
    // Nobody may be waiting for a change that came from a timer; whoever is gets the rejection from `saved()`.
    this.#flush.catch(() => {});
  }

  #write(): void {
    if (this.#dirty.size === 0 && this.#labels.size === 0) return;
    const { instance, gone, label, nextId } = this.#statements;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const [id, record] of this.#dirty) {
        if (record === undefined) gone.run(id);
        else instance.run(id, encode(record));
      }
      for (const [name, count] of this.#labels) label.run(name, count);
      nextId.run(this.#nextId());
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#dirty.clear();
    this.#labels.clear();
  }
}

/** SQLite before 3.51.3 can corrupt a WAL database when the log is reset. */
function refuseOldSqlite(database: DatabaseSync, path: string): void {
  const version = String(database.prepare("SELECT sqlite_version() AS version").get()?.["version"]);
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major * 1_000_000 + minor * 1_000 + patch >= 3_051_003) return;
  throw new SandboxError(
    "sandbox_state_unusable",
    `state file ${path} needs SQLite 3.51.3 or later, this Node has ${version}: use Node 24.21 or later`,
  );
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
  else if (version !== SCHEMA_VERSION) {
    throw new SandboxError(
      "sandbox_state_unusable",
      `state file ${path} has version ${version}, this sandbox knows ${SCHEMA_VERSION}: use another file`,
    );
  }
}

function readAll(database: DatabaseSync): SavedState {
  const records: InstanceRecord[] = [];
  for (const row of database.prepare("SELECT body FROM instance ORDER BY id").iterate()) {
    records.push(decode(String(row["body"])));
  }
  const nextId = Number(database.prepare("SELECT value FROM counter WHERE name = 'next_id'").get()?.["value"] ?? 0);
  const createsByLabel: [string, number][] = [];
  for (const row of database.prepare("SELECT label, creates FROM label").iterate()) {
    createsByLabel.push([String(row["label"]), Number(row["creates"])]);
  }
  return { records, nextId, createsByLabel };
}

/** The plan is kept by its id: the catalog is the program's. */
function encode(record: InstanceRecord): string {
  return JSON.stringify({ ...record, type: record.type.id });
}

function decode(body: string): InstanceRecord {
  const saved: Omit<InstanceRecord, "type"> & { type: string } = JSON.parse(body);
  const type = catalog.type(saved.type);
  if (type === undefined) {
    throw new SandboxError(
      "sandbox_state_unusable",
      `instance ${saved.id} in the state file has type '${saved.type}', which is not in the catalog: use another file`,
    );
  }
  // JSON leaves undefined out; the record always has the field.
  return { ...saved, type, firstBoot: saved.firstBoot };
}

function unusable(path: string, error: unknown): SandboxError {
  if (error instanceof SandboxError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const hint = reason.includes("locked") ? "another sandbox has it open" : reason;
  return new SandboxError("sandbox_state_unusable", `state file ${path} cannot be used: ${hint}`, { cause: error });
}
