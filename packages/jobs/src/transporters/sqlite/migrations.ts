import { JobsError } from "../../core/errors.ts";
import { isBusy, isNotADatabase } from "./errors.ts";
import { type Migration, migrations } from "./schema.ts";
import type { Session } from "./session.ts";

const tableSql =
  "CREATE TABLE IF NOT EXISTS jobs_migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT";
const appliedSql = "SELECT version FROM jobs_migration";
const existsSql = "SELECT 1 AS found FROM sqlite_schema WHERE name = 'jobs_migration'";
const addSql = "INSERT INTO jobs_migration (version, applied_at) VALUES (?, ?)";

const latest = migrations.at(-1)?.version ?? 0;

/** By what was applied and not by the highest number: releases may fill a gap. */
function applied(session: Session): Set<number> {
  // Not kept as a prepared statement across the schema's change.
  if (session.db.prepare(existsSql).get() === undefined) return new Set();
  const rows = session.db.prepare(appliedSql).all();
  return new Set(rows.map(({ version }) => Number(version)));
}

function missing(done: ReadonlySet<number>): readonly Migration[] {
  return migrations.filter(({ version }) => !done.has(version));
}

/**
 * Brings the tables up to date, one process at a time (the write lock), all or none. A store from a newer version is
 * refused with `store_unsupported`, not guessed at.
 */
export function migrate(session: Session, path: string): void {
  refuseNewer(applied(session), path);
  if (missing(applied(session)).length === 0) return;
  session.db.exec("BEGIN IMMEDIATE");
  try {
    session.db.exec(tableSql);
    // Again under the lock: another process may have done it meanwhile.
    const done = applied(session);
    refuseNewer(done, path);
    for (const migration of missing(done)) {
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

function refuseNewer(done: ReadonlySet<number>, path: string): void {
  const version = Math.max(0, ...done);
  if (version > latest) {
    throw new JobsError(
      "store_unsupported",
      `${path} was written by a newer version (tables ${version}, this one knows ${latest}): upgrade`,
    );
  }
}
