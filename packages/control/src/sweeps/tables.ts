import type { InstanceStatus } from "@provost/contract";
import type { ColumnType, Kysely } from "kysely";
import type { SqlDialect } from "../storage/dialect.ts";
import type { Database, Instant, InstanceTable, OptionalInstant, ProviderTable } from "../storage/schema.ts";

/** The control plane's tables with those of sweeps, feeds and orphans (C10, C13). */
export type FleetDatabase = Database & FleetTables;

type FleetTables = {
  control_instance: InstanceTable & InstanceFleetColumns;
  control_provider: ProviderTable & { orphan_policy: ColumnType<string, string | undefined, string> };
  control_sweep: SweepTable;
  control_sweep_line: SweepLineTable;
  control_sweep_page: SweepPageTable;
  control_feed: FeedTable;
  control_look: LookTable;
  control_orphan: OrphanTable;
};

interface InstanceFleetColumns {
  /** `provider_id` so that it compares as text in the provider's own order (order.ts); kept by the store itself. */
  provider_key: ColumnType<string | null, never, never>;
  /** 1: daily backups were on when last seen; null while the provider has not said. */
  observed_backups: number | null;
  /** The sweep whose page should have shown it and did not; null when it was there. */
  absent_sweep: number | null;
  /** The sweep after which a look by its id said that it is gone too. */
  gone_sweep: number | null;
  /** The last sweep that showed it; written only where ids have no order. */
  seen_sweep: number | null;
  /** When its user was told that a failed one still stands (C8). */
  expiry_told_at: OptionalInstant;
}

/** One row for each account: its present sweep, and what the last complete one took. */
export interface SweepTable {
  account: string;
  number: number;
  /** `confirming`: complete, and what it did not show is looked for by id (C10). */
  state: "idle" | "running" | "confirming";
  began_at: Instant;
  /** Pages read, instances seen, and pages that failed. With a failed one it tells of no absence. */
  pages: number;
  seen: number;
  errors: number;
  last_error: string | null;
  /** How long a line takes for a page, in ms: a moving average. */
  page_ms: number;
  /** Of the last that was complete and without error. */
  complete: number;
  complete_began_at: OptionalInstant;
  complete_ended_at: OptionalInstant;
  complete_pages: number;
  complete_seen: number;
  complete_lines: number;
}

/** The parallel lines of the present sweep, each over a range of ids of its own. */
export interface SweepLineTable {
  account: string;
  line: number;
  sweep: number;
  /** The provider's cursor of the next page; null for the first. */
  cursor: string | null;
  /** Key that the next page begins behind. */
  from_key: string;
  /** The last id of the range, and its key; null and the last key of all for the last line. */
  until_id: string | null;
  until_key: string;
  /** When the next page is due, by the account's pace. */
  next_at: Instant;
  done: number;
  /** Grows with each page: of two that read the same one only the first is written. */
  version: number;
}

/** When each range of ids was last read, whether or not a row was changed by it: rows that stay as they are cost no write. */
interface SweepPageTable {
  account: string;
  /** The last of the range; it begins behind that of the row before. */
  upto_key: string;
  upto_id: string;
  read_at: Instant;
}

interface FeedTable {
  account: string;
  cursor: string | null;
  version: number;
  read_at: Instant;
}

/** Instances that an event has told of, until they are looked at. */
interface LookTable {
  account: string;
  instance_id: string;
  /** When the feed was asked: a reading from then on has seen what the event tells of. */
  since: Instant;
}

/** What the provider has with our tag, and our store does not know (C13). */
export interface OrphanTable {
  account: string;
  provider_id: string;
  name: string;
  /** Of its tag. */
  instance_id: string;
  status: string;
  status_text: string;
  region: string;
  type: string;
  /** JSON array. */
  ipv4: string;
  /** By the provider, ISO 8601. */
  created_at: string | null;
  first_seen_at: Instant;
  last_seen_at: Instant;
  last_sweep: number;
  /** Since when it is being destroyed. */
  destroying_at: OptionalInstant;
}

/** What is over at the provider, or not ours any more: no reading changes it. */
export const endedStatuses = ["destroyed", "released"] as const satisfies readonly InstanceStatus[];

/** Of a store, or of an open transaction. */
export function fleetDb(of: { readonly db: Kysely<Database> }): Kysely<FleetDatabase> {
  return of.db.withTables<FleetTables>();
}

/** For `storage/migrations.ts`. */
export const sweepMigration = { id: 6, name: "sweeps, feeds, orphans", statements: fleetTables };

function fleetTables(dialect: SqlDialect): string[] {
  const instant = dialect === "sqlite" ? "integer" : "bigint";
  // Keys are compared byte by byte, whatever the database's own language.
  const key = dialect === "sqlite" ? "text" : 'text collate "C"';
  return [
    `alter table control_instance add column provider_key ${key} generated always as (${keyOfId(dialect)}) ${dialect === "sqlite" ? "virtual" : "stored"}`,
    ...["observed_backups", "absent_sweep", "gone_sweep", "seen_sweep"].map(
      (column) => `alter table control_instance add column ${column} integer`,
    ),
    `alter table control_instance add column expiry_told_at ${instant}`,
    "create index control_instance_place on control_instance (provider, provider_key)",
    "create index control_instance_absent on control_instance (provider, absent_sweep) where absent_sweep is not null",
    "alter table control_provider add column orphan_policy text not null default 'none'",
    `create table control_sweep (
      account text primary key, number integer not null, state text not null, began_at ${instant} not null,
      pages integer not null, seen integer not null, errors integer not null, last_error text, page_ms integer not null,
      complete integer not null, complete_began_at ${instant}, complete_ended_at ${instant}, complete_pages integer not null,
      complete_seen integer not null, complete_lines integer not null)`,
    `create table control_sweep_line (
      account text not null, line integer not null, sweep integer not null, cursor text, from_key ${key} not null,
      until_id text, until_key ${key} not null, next_at ${instant} not null, done integer not null, version integer not null,
      primary key (account, line))`,
    `create table control_sweep_page (
      account text not null, upto_key ${key} not null, upto_id text not null, read_at ${instant} not null,
      primary key (account, upto_key))`,
    `create table control_feed (
      account text primary key, cursor text, version integer not null, read_at ${instant} not null)`,
    `create table control_look (
      account text not null, instance_id text not null, since ${instant} not null, primary key (account, instance_id))`,
    `create table control_orphan (
      account text not null, provider_id text not null, name text not null, instance_id text not null,
      status text not null, status_text text not null, region text not null, type text not null, ipv4 text not null,
      created_at text, first_seen_at ${instant} not null, last_seen_at ${instant} not null, last_sweep integer not null,
      destroying_at ${instant}, primary key (account, provider_id))`,
  ];
}

/** `keyOf` of order.ts, in SQL. */
function keyOfId(dialect: SqlDialect): string {
  return dialect === "sqlite"
    ? "case when provider_id <> '' and length(provider_id) <= 20 and provider_id not glob '*[^0-9]*' then substr('00000000000000000000' || provider_id, -20) else provider_id end"
    : "case when provider_id ~ '^[0-9]{1,20}$' then lpad(provider_id, 20, '0') else provider_id end";
}
