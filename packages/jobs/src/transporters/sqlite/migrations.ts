import { JobsError } from "../../core/errors.ts";
import { isBusy, isNotADatabase } from "./errors.ts";
import { migrations } from "./schema.ts";
import type { Session } from "./session.ts";

const tableSql =
  "CREATE TABLE IF NOT EXISTS jobs_migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT";
const appliedSql = "SELECT max(version) AS version FROM jobs_migration";
const existsSql = "SELECT 1 AS found FROM sqlite_schema WHERE name = 'jobs_migration'";
const addSql = "INSERT INTO jobs_migration (version, applied_at) VALUES (?, ?)";

const latest = migrations.at(-1)?.version ?? 0;

function applied(session: Session): number {
  // Not kept as a prepared statement across the schema's change.
  if (session.db.prepare(existsSql).get() === undefined) return 0;
  return Number(session.db.prepare(appliedSql).get()?.version ?? 0);
}

/**
 * Brings the tables up to date, one process at a time (the write lock), all or none. A store from a newer version is
 * refused with `store_unsupported`, not guessed at.
 */
export function migrate(session: Session, path: string): void {
  refuseNewer(applied(session), path);
  if (applied(session) === latest) return;
  session.db.exec("BEGIN IMMEDIATE");
  try {
    session.db.exec(tableSql);
    // Again under the lock: another process may have done it meanwhile.
    const version = applied(session);
    refuseNewer(version, path);
    for (const migration of migrations.filter((candidate) => candidate.version > version)) {
      session.db.exec(migration.sql);
      session.db.prepare(addSql).run(migration.version, Date.now());
    }
    session.db.exec("COMMIT");
  } catch (error) {
    if (session.db.isTransaction) session.db.exec("ROLLBACK");
    if (error instanceof JobsError || isBusy(error) || isNotADatabase(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new JobsError(
      "migration_failed",
      `${path}: tables could not be brought to version ${latest} (${reason}); nothing was changed`,
      {
        cause: error,
      },
    );
  }
}

function refuseNewer(version: number, path: string): void {
  if (version > latest) {
    throw new JobsError(
      "store_unsupported",
      `${path} was written by a newer version (tables ${version}, this one knows ${latest}): upgrade`,
    );
  }
}
