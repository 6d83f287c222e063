import type { Client } from "pg";
import { JobsError } from "../../core/errors.ts";

/** What of the server decides how the Transporter works. */
export interface ServerFacts {
  /** Settings that every connection needs, as `name=value`, where the server's own are others. */
  parameters: string[];
  durableAck: boolean;
  lossWindowMs: number;
}

interface Settings {
  version: string;
  number: string;
  encoding: string;
  isolation: string;
  synchronous: string;
  fsync: string;
  standby: boolean;
}

/**
 * Refuses a server that cannot keep the laws, and finds out how durable a commit is (L11).
 *
 * @throws JobsError `store_unsupported`: older than 14, a database that is not UTF-8, a standby.
 */
export async function inspectServer(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query<Settings>(`SELECT current_setting('server_version') AS version,
    current_setting('server_version_num') AS number, current_setting('server_encoding') AS encoding,
    current_setting('default_transaction_isolation') AS isolation, current_setting('synchronous_commit') AS synchronous,
    current_setting('fsync') AS fsync, pg_is_in_recovery() AS standby`);
  const server = rows[0];
  if (server === undefined) throw new JobsError("store_unsupported", "the server answered nothing: is it PostgreSQL?");
  if (Number(server.number) < 140_000) {
    throw new JobsError("store_unsupported", `PostgreSQL ${server.version} is too old: use 14 or later`);
  }
  if (server.encoding !== "UTF8") {
    throw new JobsError(
      "store_unsupported",
      `the database's encoding is ${server.encoding}: create one with ENCODING 'UTF8'`,
    );
  }
  if (server.standby) throw new JobsError("store_unsupported", "the server is a standby: connect to the primary");
  const parameters = [];
  if (server.isolation !== "read committed") parameters.push("default_transaction_isolation=read committed");
  if (server.synchronous === "off") parameters.push("synchronous_commit=on");
  const durableAck = server.fsync === "on";
  // Without fsync nothing bounds what a power loss takes.
  return { parameters, durableAck, lossWindowMs: durableAck ? 0 : Number.POSITIVE_INFINITY };
}
