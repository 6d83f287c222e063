import type { Client } from "pg";
import { JobsError } from "../../core/errors.ts";
import { storeError } from "./failures.ts";
import { amendFunctions } from "./sql/amend.ts";
import { claimFunctions } from "./sql/claim.ts";
import { enqueueFunctions } from "./sql/enqueue.ts";
import { gateFunctions } from "./sql/gates.ts";
import { settleFunctions } from "./sql/settle.ts";
import { clock, tables } from "./sql/tables.ts";
import { wakeFunctions } from "./sql/wake.ts";

interface Migration {
  version: number;
  name: string;
  sql(schema: string): string;
}

/** One that has shipped is never edited: what comes later is a new entry. Functions are replaced by later entries too. */
const migrations: readonly Migration[] = [
  {
    version: 1,
    name: "jobs, flows, stages, wakes",
    sql: (schema) =>
      [
        tables(schema),
        clock(schema),
        gateFunctions(schema),
        enqueueFunctions(schema),
        claimFunctions(schema),
        wakeFunctions(schema),
        settleFunctions(schema),
        amendFunctions(schema),
      ].join("\n"),
  },
];

/**
 * Brings the schema up to date in one transaction, under an advisory lock, so that any number of processes can start at
 * once. `schema` is the bare name.
 *
 * @throws JobsError `store_unsupported` when the schema was made by a newer release, `migration_failed`, `store_unavailable`.
 */
export async function migrate(client: Client, schema: string): Promise<void> {
  const quoted = `"${schema}"`;
  const newest = migrations.at(-1)?.version ?? 0;
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`provost.jobs.migrate.${schema}`]);
    const found = await currentVersion(client, schema);
    if (found > newest) {
      throw new JobsError(
        "store_unsupported",
        `schema "${schema}" is at version ${found}, this release knows ${newest}: upgrade @provost/jobs, or name another schema`,
      );
    }
    for (const migration of migrations) {
      if (migration.version <= found) continue;
      await client.query(migration.sql(quoted));
      await client.query(`INSERT INTO ${quoted}.migration (version, name) VALUES ($1, $2)`, [
        migration.version,
        migration.name,
      ]);
    }
    await client.query("COMMIT");
  } catch (error) {
    // The connection may be gone; then the server rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw migrationError(error, schema);
  }
}

/** `CREATE SCHEMA IF NOT EXISTS` asks for the right to create even when the schema is there: look first. */
async function currentVersion(client: Client, schema: string): Promise<number> {
  const quoted = `"${schema}"`;
  const { rowCount } = await client.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", [schema]);
  if (rowCount === 0) await client.query(`CREATE SCHEMA ${quoted}`);
  const { rows: found } = await client.query<{ found: boolean }>("SELECT to_regclass($1) IS NOT NULL AS found", [
    `${quoted}.migration`,
  ]);
  if (found[0]?.found !== true) {
    await client.query(
      `CREATE TABLE ${quoted}.migration (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    return 0;
  }
  const { rows } = await client.query<{ version: number | null }>(
    `SELECT max(version) AS version FROM ${quoted}.migration`,
  );
  return rows[0]?.version ?? 0;
}

function migrationError(error: unknown, schema: string): JobsError {
  const mapped = storeError(error);
  if (mapped !== undefined) return mapped;
  const text = error instanceof Error ? error.message : String(error);
  return new JobsError(
    "migration_failed",
    `tables of schema "${schema}" could not be brought up to date: ${text}; nothing was changed, mend the cause and start again`,
    { cause: error },
  );
}
