import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SandboxError } from "../errors.ts";
import { GOLDEN_IMAGE } from "../images/private-image.ts";
import { type Kept, type NextIds, NEXT_ID_NAMES, readAll, type SavedState, writable } from "./saved-state.ts";
import type { Kind, StateSink } from "./state-sink.ts";

const SCHEMA_VERSION = 3;
/** Step by step: a file of any older version gets the steps it lacks. */
const SCHEMA_STEPS = [
  `CREATE TABLE instance (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
   CREATE TABLE label (label TEXT PRIMARY KEY, creates INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE event (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
   CREATE TABLE image (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;`,
  // Nobody makes it, so nothing else would keep it: without this a restart was the end of it.
  `INSERT OR IGNORE INTO image (id, body) VALUES (${GOLDEN_IMAGE.id}, '${JSON.stringify(GOLDEN_IMAGE)}');`,
] as const;
const KINDS: readonly Kind[] = ["instance", "event", "image"];

/**
 * The account in one SQLite file (WAL). Changes of one turn of the event loop are one transaction, and an answer waits
 * for its own: an answered create is in the file and outlives kill -9. `synchronous = NORMAL` may lose the last
 * moments when the power fails, which a pretend cloud can afford.
 */
export class StateFile implements StateSink {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #nextIds: () => NextIds;
  readonly #put: Record<Kind, StatementSync>;
  readonly #drop: Record<Kind, StatementSync>;
  readonly #putLabel: StatementSync;
  readonly #putCounter: StatementSync;
  readonly #dirty: Record<Kind, Map<number, Kept | undefined>> = {
    instance: new Map(),
    event: new Map(),
    image: new Map(),
  };
  readonly #labels = new Map<string, number>();
  #flush: Promise<void> | undefined;
  #closed = false;

  private constructor(database: DatabaseSync, path: string, nextIds: () => NextIds) {
    const each = (sql: (kind: Kind) => string): Record<Kind, StatementSync> => ({
      instance: database.prepare(sql("instance")),
      event: database.prepare(sql("event")),
      image: database.prepare(sql("image")),
    });
    this.#database = database;
    this.#path = path;
    this.#nextIds = nextIds;
    this.#put = each((kind) => `INSERT OR REPLACE INTO ${kind} (id, body) VALUES (?, ?)`);
    this.#drop = each((kind) => `DELETE FROM ${kind} WHERE id = ?`);
    this.#putLabel = database.prepare("INSERT OR REPLACE INTO label (label, creates) VALUES (?, ?)");
    this.#putCounter = database.prepare("INSERT OR REPLACE INTO counter (name, value) VALUES (?, ?)");
  }

  /** Opens or makes the file, mode 0600, and locks it. `nextIds` is read at each write. Throws `sandbox_state_unusable`. */
  static open(path: string, nextIds: () => NextIds): { file: StateFile; saved: SavedState } {
    let database: DatabaseSync | undefined;
    try {
      // Callback tokens lie in it: made with its mode before SQLite would make it readable for everybody.
      closeSync(openSync(path, "a", 0o600));
      database = new DatabaseSync(path);
      refuseOldSqlite(database, path);
      database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
      prepareSchema(database, path);
      const saved = readAll(database);
      return { file: new StateFile(database, path, nextIds), saved };
    } catch (error) {
      database?.close();
      throw unusable(path, error);
    }
  }

  changed(kind: Kind, item: Kept): void {
    this.#dirty[kind].set(item.id, item);
    this.#schedule();
  }

  removed(kind: Kind, id: number): void {
    this.#dirty[kind].set(id, undefined);
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
    const kinds = KINDS.filter((kind) => this.#dirty[kind].size > 0);
    if (kinds.length === 0 && this.#labels.size === 0) return;
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const kind of kinds) {
        for (const [id, item] of this.#dirty[kind]) {
          if (item === undefined) this.#drop[kind].run(id);
          else this.#put[kind].run(id, JSON.stringify(writable(item)));
        }
      }
      for (const [name, count] of this.#labels) this.#putLabel.run(name, count);
      const nextIds = this.#nextIds();
      for (const kind of KINDS) this.#putCounter.run(NEXT_ID_NAMES[kind], nextIds[kind]);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
    for (const kind of kinds) this.#dirty[kind].clear();
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
  if (version > SCHEMA_VERSION) {
    throw new SandboxError(
      "sandbox_state_unusable",
      `state file ${path} has version ${version}, this sandbox knows ${SCHEMA_VERSION}: use another file`,
    );
  }
  const steps = SCHEMA_STEPS.slice(version).join("\n");
  if (steps !== "") database.exec(`BEGIN; ${steps} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
}

function unusable(path: string, error: unknown): SandboxError {
  if (error instanceof SandboxError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const hint = reason.includes("locked") ? "another sandbox has it open" : reason;
  return new SandboxError("sandbox_state_unusable", `state file ${path} cannot be used: ${hint}`, { cause: error });
}
