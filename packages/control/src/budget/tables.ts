import type { SqlDialect } from "../storage/dialect.ts";
import type { Instant, OptionalInstant } from "../storage/schema.ts";

/** Tables that all servers share for C11 and C12: `store.db.withTables<TrafficDatabase>()`. */
export type TrafficDatabase = {
  control_budget: BudgetTable;
  control_budget_line: BudgetLineTable;
  control_circuit: CircuitTable;
  control_outage: OutageTable;
  control_unwell: UnwellTable;
  control_brake: BrakeTable;
};

interface BudgetTable {
  account: string;
  call_group: string;
  /** JSON `RateWindow`. */
  state: string;
  /** Counts changes; writing it first takes the row's lock on every store. */
  version: number;
}

/** Who waits: instances by their ids, which ascend with the time of the deploy. */
interface BudgetLineTable {
  account: string;
  call_group: string;
  waiter: string;
  /** Comes back then; one that has not is out of the line. */
  due_at: Instant;
  /** Since when; null for what joined under an older server. */
  joined_at: OptionalInstant;
}

interface CircuitTable {
  account: string;
  /** Empty for calls that concern no region. */
  region: string;
  /** JSON `Circuit`. */
  state: string;
  version: number;
}

interface OutageTable {
  account: string;
  region: string;
  began_at: Instant;
  ended_at: OptionalInstant;
}

interface UnwellTable {
  account: string;
  instance_id: string;
  at: Instant;
}

interface BrakeTable {
  account: string;
  /** JSON `Brake`. */
  state: string;
  version: number;
}

/** For `storage/migrations.ts`. */
export const trafficMigration = { id: 3, name: "budgets, circuits", statements: trafficTables };

function trafficTables(dialect: SqlDialect): string[] {
  const instant = dialect === "sqlite" ? "integer" : "bigint";
  return [
    `create table control_budget (
      account text not null, call_group text not null, state text not null, version integer not null,
      primary key (account, call_group))`,
    `create table control_budget_line (
      account text not null, call_group text not null, waiter text not null, due_at ${instant} not null,
      primary key (account, call_group, waiter))`,
    `create table control_circuit (
      account text not null, region text not null, state text not null, version integer not null,
      primary key (account, region))`,
    `create table control_outage (
      account text not null, region text not null, began_at ${instant} not null, ended_at ${instant},
      primary key (account, region, began_at))`,
    `create table control_unwell (
      account text not null, instance_id text not null, at ${instant} not null, primary key (account, instance_id))`,
    "create table control_brake (account text primary key, state text not null, version integer not null)",
  ];
}
