import type { SqlAccess, Tx } from "@provost/jobs";
import { trafficMigration } from "../budget/tables.ts";
import { fleetMigration } from "../fleets/tables.ts";
import { taskMigration } from "../tasks/tables.ts";
import { sweepMigration } from "../sweeps/tables.ts";
import { imagesMigration } from "../images/tables.ts";
import type { SqlDialect } from "./dialect.ts";
import { pageMigration } from "./page-tables.ts";

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

const migrations: readonly Migration[] = [
  { id: 1, name: "instances", statements: firstTables },
  { id: 2, name: "access, audit, webhooks", statements: accessTables },
  trafficMigration,
  taskMigration,
  fleetMigration,
  sweepMigration,
  imagesMigration,
  pageMigration,
  { id: 9, name: "overdue deliveries", statements: dueDeliveries },
];

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

function accessTables(dialect: SqlDialect): string[] {
  const { instant, sequence } = words[dialect];
  return [
    `alter table control_access_token add column expires_at ${instant}`,
    "alter table control_access_token add column created_by text",
    // Servers that share a store and start together may swap the data folder's token: its name stands outside.
    "create unique index control_access_token_name on control_access_token (name) where revoked_at is null and name <> 'admin'",
    `create table control_audit (
      seq ${sequence}, at ${instant} not null, actor_id text, actor_name text not null, actor_role text,
      action text not null, target_id text, target_name text, state_before text, state_after text,
      outcome text not null, code text, detail text, request_id text)`,
    "create index control_audit_at on control_audit (at)",
    "create index control_audit_action on control_audit (action, seq)",
    ...["actor_id", "actor_name", "target_id", "target_name"].map(
      (column) => `create index control_audit_${column} on control_audit (${column}, seq) where ${column} is not null`,
    ),
    `create table control_webhook (
      id text primary key, name text not null unique, url text not null, events text not null, secret text not null,
      created_at ${instant} not null, created_by text)`,
    `create table control_webhook_delivery (
      id text primary key, webhook_id text not null, event text not null, instance_id text, body text not null,
      status text not null, attempts integer not null, attempts_max integer not null, created_at ${instant} not null,
      last_attempt_at ${instant}, next_attempt_at ${instant}, answer_status integer, answer text)`,
    "create index control_webhook_delivery_webhook on control_webhook_delivery (webhook_id, id)",
    "create index control_webhook_delivery_age on control_webhook_delivery (created_at)",
  ];
}

function dueDeliveries(): string[] {
  return [
    "create index control_webhook_delivery_due on control_webhook_delivery (next_attempt_at, id) where status = 'pending'",
  ];
}
