import type { SqlDialect } from "./dialect.ts";
import type { Instant } from "./schema.ts";

/** Who is signed in, and which servers there are: `store.db.withTables<PageTables>()`. */
export type PageDatabase = {
  control_session: SessionTable;
  control_server: ServerTable;
};

/** A token that was exchanged for a cookie (C15). */
export interface SessionTable {
  id: string;
  /** SHA-256 of the cookie's value, hex. */
  hash: string;
  token_id: string;
  created_at: Instant;
  /** It ends then however much it is used. */
  expires_at: Instant;
  /** To the minute. */
  seen_at: Instant;
}

/** A server process on this store. */
export interface ServerTable {
  id: string;
  host: string;
  pid: number;
  version: string;
  node: string;
  started_at: Instant;
  seen_at: Instant;
}

/** For `migrations.ts`. */
export const pageMigration = { id: 8, name: "sessions, servers, tags, lists", statements: pageTables };

function pageTables(dialect: SqlDialect): string[] {
  const instant = dialect === "sqlite" ? "integer" : "bigint";
  // On PostgreSQL an entry has 2,704 bytes at most, and an instance any number of addresses: a search for one reads the rows there.
  const addresses = dialect === "sqlite" ? "ipv4, " : "";
  const live = "where archived_at is null and builder_of is null";
  return [
    "alter table control_instance add column tags text not null default '[]'",
    // All that a list can be narrowed by: whatever is asked, one pass over this and over no row that is not shown answers it. The two at
    // the end are null in every entry: SQLite reads rows for them otherwise.
    `create index control_instance_list on control_instance
      (id, status, provider, region, type, name, tags, provider_id, ${addresses}archived_at, builder_of) ${live}`,
    "drop index control_instance_live",
    // Counts, and the list of one status.
    `create index control_instance_status on control_instance (status, id, archived_at, builder_of) ${live}`,
    `alter table control_provider add column checked_at ${instant}`,
    "alter table control_provider add column check_code text",
    "alter table control_provider add column check_message text",
    `create table control_session (
      id text primary key, hash text not null unique, token_id text not null, created_at ${instant} not null,
      expires_at ${instant} not null, seen_at ${instant} not null)`,
    "create index control_session_token on control_session (token_id, id)",
    "create index control_session_end on control_session (expires_at)",
    `create table control_server (
      id text primary key, host text not null, pid integer not null, version text not null, node text not null,
      started_at ${instant} not null, seen_at ${instant} not null)`,
  ];
}
