import { DatabaseSync } from "node:sqlite";
import { JobsError } from "../../core/errors.ts";
import { isBusy, isNotADatabase, typed } from "./errors.ts";
import { takeHost } from "./host.ts";
import type { HostIdentity } from "./location.ts";
import { migrate } from "./migrations.ts";
import { Session } from "./session.ts";

/** Older ones can lose committed pages when a WAL is reset under two connections. */
const sqliteOldest = [3, 51, 3] as const;

/** Changing to WAL takes the file for itself and, unlike other locks, does not wait by `busy_timeout`. */
const journalTriesMax = 50;

export interface OpenOptions {
  path: string;
  busyTimeoutMs: number;
  host: HostIdentity;
}

/** The writer: WAL, FULL (a commit that returned is on disk, L11), tables up to date. Throws `store_*`, `migration_failed`. */
export function openWriter({ path, busyTimeoutMs, host }: OpenOptions): Session {
  checkVersion(process.versions.sqlite ?? "none");
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    toWal(db, path);
    db.exec(
      "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000",
    );
    const session = new Session(db);
    migrate(session, path);
    db.exec("BEGIN IMMEDIATE");
    takeHost(session, host, path);
    db.exec("COMMIT");
    return session;
  } catch (error) {
    db?.close();
    throw openError(error, path);
  }
}

/** Read-only beside the writer: a long read never keeps a commit waiting. */
export function openReader({ path, busyTimeoutMs }: OpenOptions): Session {
  try {
    return new Session(new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true }));
  } catch (error) {
    throw openError(error, path);
  }
}

/** Throws `store_unsupported` for an SQLite that is too old; `version` as SQLite writes it: "3.53.4". */
export function checkVersion(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [index, oldest] of sqliteOldest.entries()) {
    const part = parts[index] ?? 0;
    if (part > oldest) return;
    if (!(part >= oldest)) {
      throw new JobsError(
        "store_unsupported",
        `SQLite ${version} is older than ${sqliteOldest.join(".")}: use Node 24.15 or later`,
      );
    }
  }
}

function toWal(db: DatabaseSync, path: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.journal_mode;
      if (mode === "wal") return;
      throw new JobsError(
        "store_location_refused",
        `${path}: SQLite cannot use WAL here (journal_mode ${String(mode)}): use a local disk`,
      );
    } catch (error) {
      if (!isBusy(error) || tries >= journalTriesMax) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function openError(error: unknown, path: string): Error {
  if (isNotADatabase(error)) {
    return new JobsError(
      "store_unsupported",
      `${path} is not an SQLite database: name another file or restore a backup`,
      { cause: error },
    );
  }
  return typed(error, path);
}
