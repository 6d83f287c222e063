import type { SqlAccess, Tx } from "@provost/jobs";
import type { SqlDialect } from "./dialect.ts";

interface Migration {
  id: number;
  name: string;
  statements: (dialect: SqlDialect) => string[];
}

/** What differs between the two in a table's definition. */
const words = {
  sqlite: { instant: "integer", sequence: "integer primary key autoincrement", real: "real" },
  postgres: {
    instant: "bigint",
    sequence: "bigint generated always as identity primary key",
    real: "double precision",
  },
} as const;

const migrations: readonly Migration[] = [{ id: 1, name: "instances", statements: firstTables }];

/** Any number that no other program uses on this database: `pg_advisory_xact_lock`. */
const lockKey = 7_461_230_901;

/**
 * Brings the tables up to date: all in one transaction, which on PostgreSQL takes an advisory lock and on SQLite is the
 * only writer, so that servers starting together do it once. Never edits a migration that was released.
 */
export async function migrate(dialect: SqlDialect, sql: SqlAccess): Promise<void> {
  await sql.transaction(async (tx) => {
    if (dialect === "postgres") await tx.query(`select pg_advisory_xact_lock(${lockKey})`);
    await tx.query(
      `create table if not exists control_migration (id integer primary key, name text not null, at ${words[dialect].instant} not null)`,
    );
    const done = await tx.query("select id from control_migration");
    const known = new Set(done.rows.map((row) => Number(row["id"])));
    for (const migration of migrations) {
      if (!known.has(migration.id)) await apply(tx, dialect, migration);
    }
  });
}

async function apply(tx: Tx, dialect: SqlDialect, migration: Migration): Promise<void> {
  for (const statement of migration.statements(dialect)) await tx.query(statement);
  const slots = dialect === "sqlite" ? "?, ?, ?" : "$1, $2, $3";
  await tx.query(`insert into control_migration (id, name, at) values (${slots})`, [
    migration.id,
    migration.name,
    Date.now(),
  ]);
}

function firstTables(dialect: SqlDialect): string[] {
  const { instant, sequence, real } = words[dialect];
  return [
    `create table control_deployment (
      singleton integer primary key check (singleton = 1), id text not null, created_at ${instant} not null)`,
    `create table control_provider (
      name text primary key, driver text not null, endpoint text, token text, options text not null, defaults text not null,
      callback_url text, version integer not null, created_at ${instant} not null)`,
    `create table control_instance (
      id text primary key, name text not null, provider text not null, provider_name text not null,
      region text not null, type text not null, image text not null, monthly_usd ${real},
      ssh_keys text not null, script text, callback_url text not null,
      status text not null, desired text not null, task text, flow_id text,
      provider_id text, create_attempt integer not null, create_called_at ${instant}, create_open integer not null,
      unknown_since ${instant}, accepted_at ${instant}, active_at ${instant},
      observed_status text, observed_text text, observed_at ${instant}, ipv4 text not null, ipv6 text not null,
      stage integer not null, boot_failure text, token_nonce text not null, token_expires_at ${instant},
      root_password text, root_password_state text not null, failure text,
      created_at ${instant} not null, provisioned_at ${instant}, archived_at ${instant})`,
    // A failed server keeps its record, and its name is free again (C8).
    "create unique index control_instance_name on control_instance (name) where archived_at is null",
    // The watchdog and the list of what is under way read these alone, whatever the size of the fleet.
    "create index control_instance_task on control_instance (task, id) where task is not null",
    "create index control_instance_failed on control_instance (id) where failure is not null and status <> 'destroyed'",
    "create index control_instance_live on control_instance (id) where archived_at is null",
    "create index control_instance_any_name on control_instance (name, id)",
    `create table control_instance_event (
      seq ${sequence}, instance_id text not null, at ${instant} not null, kind text not null, message text not null,
      stage text, log text)`,
    "create index control_instance_event_instance on control_instance_event (instance_id, seq)",
    `create table control_access_token (
      id text primary key, name text not null, role text not null, hash text not null unique,
      created_at ${instant} not null, last_used_at ${instant}, revoked_at ${instant})`,
    `create table control_idempotency_key (
      key text primary key, request_hash text not null, instance_id text not null, created_at ${instant} not null)`,
    "create index control_idempotency_key_age on control_idempotency_key (created_at)",
  ];
}
