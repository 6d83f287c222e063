import type { SqlDialect } from "../storage/dialect.ts";

/** For `storage/migrations.ts`. */
export const taskMigration = { id: 4, name: "tasks", statements: taskTables };

function taskTables(dialect: SqlDialect): string[] {
  const instant = dialect === "sqlite" ? "integer" : "bigint";
  return [
    `create table control_task (
      id text primary key, instance_id text not null, kind text not null, status text not null, input text not null,
      progress text not null, version integer not null, failure text, requested_by text, fleet_id text, flow_id text,
      idempotency_key text unique, created_at ${instant} not null, started_at ${instant}, clock_at ${instant},
      paused_ms ${instant} not null, undo_at ${instant}, ended_at ${instant})`,
    "create index control_task_instance on control_task (instance_id, id)",
    "create index control_task_open on control_task (instance_id, id) where status in ('waiting', 'running')",
    "alter table control_instance add column task_id text",
    "alter table control_instance add column protected integer not null default 0",
    "alter table control_instance_event add column task_id text",
  ];
}
