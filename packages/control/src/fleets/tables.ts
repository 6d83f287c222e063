import type { SqlDialect } from "../storage/dialect.ts";

/** For `storage/migrations.ts`. */
export const fleetMigration = { id: 5, name: "fleet commands", statements: fleetTables };

function fleetTables(dialect: SqlDialect): string[] {
  const instant = dialect === "sqlite" ? "integer" : "bigint";
  return [
    `create table control_fleet (
      id text primary key, action text not null, type text, filter text, concurrency integer not null,
      failures_max integer not null, if_busy text not null, status text not null, total integer not null, actor text,
      idempotency_key text unique, created_at ${instant} not null, ended_at ${instant})`,
    "create index control_fleet_open on control_fleet (id) where ended_at is null",
    `create table control_fleet_member (
      fleet_id text not null, instance_id text not null, name text not null, status text not null, task_id text, code text,
      message text, started_at ${instant}, ended_at ${instant}, primary key (fleet_id, instance_id))`,
    "create index control_fleet_member_status on control_fleet_member (fleet_id, status, instance_id)",
  ];
}
