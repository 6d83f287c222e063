import type { Client } from "pg";
import { JobsError } from "../../core/errors.ts";
import { storeError } from "./failures.ts";
import { amendFunctions } from "./sql/amend.ts";
import { browseFunctions } from "./sql/browse.ts";
import { claimFunctions } from "./sql/claim.ts";
import { enqueueFlowFunctions } from "./sql/enqueue-flows.ts";
import { addTables, enqueueFunctions } from "./sql/enqueue.ts";
import { enqueueOneFunctions } from "./sql/enqueue-one.ts";
import { gateFunctions } from "./sql/gates.ts";
import { holdTables } from "./sql/hold-tables.ts";
import { listFunctions } from "./sql/list.ts";
import { pruneFunctions } from "./sql/prune.ts";
import { permitFunctions, permitTables } from "./sql/permits.ts";
import { lowWaterFunctions } from "./sql/low-water.ts";
import { leafTables, markTables, roadFunctions, roadTables } from "./sql/roads.ts";
import { scheduleTables } from "./sql/schedule-tables.ts";
import { scheduleFunctions } from "./sql/schedules.ts";
import { queueTables } from "./sql/queue-tables.ts";
import { replaceFunctions } from "./sql/replace.ts";
import { queueFunctions } from "./sql/queues.ts";
import { settleFunctions } from "./sql/settle.ts";
import { sightTables } from "./sql/sight-tables.ts";
import { clock, tables } from "./sql/tables.ts";
import { wakeFunctions } from "./sql/wake.ts";
import { watchTables } from "./sql/watch-tables.ts";

interface Migration {
  version: number;
  name: string;
  sql(schema: string): string;
}

/** Tables, by version, ascending. One that has shipped is never edited: what comes later is a new entry. */
const migrations: readonly Migration[] = [
  { version: 1, name: "jobs, flows, stages, wakes", sql: tables },
  { version: 11, name: "semaphores and shared memory", sql: permitTables },
  { version: 12, name: "schedules, their log, the leader's seat", sql: scheduleTables },
  { version: 13, name: "settings of queues, limits, directed jobs", sql: queueTables },
  { version: 14, name: "counters, kept keys, progress, managers", sql: sightTables },
  { version: 15, name: "holds, errors counted", sql: holdTables },
  { version: 16, name: "a clash of unique keys", sql: () => "" },
  { version: 19, name: "permits are handed over", sql: () => "" },
  { version: 21, name: "roads: ready, running and done apart from the jobs' rows", sql: roadTables },
  { version: 22, name: "what was prefetched tells its start with its end", sql: () => "" },
  { version: 23, name: "claims begin at low-water marks", sql: markTables },
  { version: 24, name: "less to do for each added job", sql: addTables },
  { version: 25, name: "members of flows end on the road", sql: leafTables },
  { version: 26, name: "one job at a time, and flows by shape", sql: () => "" },
  { version: 27, name: "minutes, logs, what is asked of managers", sql: watchTables },
  { version: 28, name: "the end of a job that is not there is refused", sql: () => "" },
];

/**
 * Functions hold no data: with every migration all of them are made anew from the text beside this file, so that the text is
 * what runs. A change to functions alone needs a migration too, be its SQL empty.
 */
const functions: readonly ((schema: string) => string)[] = [
  clock,
  roadFunctions,
  gateFunctions,
  enqueueFunctions,
  enqueueOneFunctions,
  enqueueFlowFunctions,
  replaceFunctions,
  claimFunctions,
  lowWaterFunctions,
  wakeFunctions,
  settleFunctions,
  amendFunctions,
  queueFunctions,
  scheduleFunctions,
  permitFunctions,
  pruneFunctions,
  listFunctions,
  browseFunctions,
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
    const applied = await appliedVersions(client, schema);
    const found = Math.max(0, ...applied);
    if (found > newest) {
      throw new JobsError(
        "store_unsupported",
        `schema "${schema}" is at version ${found}, this release knows ${newest}: upgrade @provost/jobs, or name another schema`,
      );
    }
    // By what was applied and not by the highest number: releases may fill a gap.
    const missing = migrations.filter(({ version }) => !applied.has(version));
    for (const migration of missing) {
      await client.query(migration.sql(quoted));
      await client.query(`INSERT INTO ${quoted}.migration (version, name) VALUES ($1, $2)`, [
        migration.version,
        migration.name,
      ]);
    }
    if (missing.length > 0) await remakeFunctions(client, schema);
    await client.query("COMMIT");
  } catch (error) {
    // The connection may be gone; then the server rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    throw migrationError(error, schema);
  }
}

/** `CREATE SCHEMA IF NOT EXISTS` asks for the right to create even when the schema is there: look first. */
async function appliedVersions(client: Client, schema: string): Promise<Set<number>> {
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
    return new Set();
  }
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${quoted}.migration`);
  return new Set(rows.map(({ version }) => version));
}

/** Dropped first: a replacement could not have other results. Those of the caller's own in the same schema are left alone. */
async function remakeFunctions(client: Client, schema: string): Promise<void> {
  const text = functions.map((make) => make(`"${schema}"`)).join("\n");
  const names = [...text.matchAll(/CREATE FUNCTION "[^"]*"\.(\w+)/g)].map((match) => match[1]);
  const { rows } = await client.query<{ name: string }>(
    "SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = ANY ($2)",
    [schema, names],
  );
  for (const { name } of rows) await client.query(`DROP FUNCTION ${name}`);
  await client.query(text);
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
