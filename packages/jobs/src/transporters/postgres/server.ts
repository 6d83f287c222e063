import type { Client } from "pg";
import type { Connections } from "./connections.ts";
import { JobsError } from "../../core/errors.ts";

/** The settings that the laws depend on, and what each has to be. */
const required = { default_transaction_isolation: "read committed", synchronous_commit: "on" } as const;

/** What of the server decides how the Transporter works. */
export interface ServerFacts {
  /** Settings that every connection asks for as it starts, since the server's own are others. */
  parameters: Parameter[];
  durableAck: boolean;
  lossWindowMs: number;
}

/** A setting that a connection needs. */
export type Parameter = keyof typeof required;

/** As the startup parameter `options` has it. */
export function startupOption(parameter: Parameter): string {
  return `-c ${parameter}=${required[parameter].replaceAll(" ", "\\ ")}`;
}

/**
 * Reads back what connections asked for as they started: a pooler may drop it without a word, and the laws would be broken as silently.
 *
 * @throws JobsError `store_unsupported` with the setting and the way out.
 */
export async function checkParameters(
  connections: Pick<Connections, "query">,
  parameters: readonly Parameter[],
): Promise<void> {
  for (const parameter of parameters) {
    const [row] = await connections.query<{ value: string; role: string }>(
      "SELECT current_setting($1) AS value, current_user AS role",
      [parameter],
    );
    if (row?.value === required[parameter]) continue;
    throw new JobsError(
      "store_unsupported",
      `${parameter} is ${row?.value} though every connection asks for ${required[parameter]} as it starts: a pooler between drops the startup ` +
        `parameter "options". ${wayOut(parameter, row?.role)}`,
    );
  }
}

function wayOut(parameter: Parameter, role = "…"): string {
  return `Set it for the role instead: ALTER ROLE "${role}" SET ${parameter} = '${required[parameter]}', and let the pooler reconnect`;
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
  const parameters: Parameter[] = [];
  if (server.isolation !== required.default_transaction_isolation) parameters.push("default_transaction_isolation");
  if (server.synchronous === "off") parameters.push("synchronous_commit");
  const durableAck = server.fsync === "on";
  // Without fsync nothing bounds what a power loss takes.
  return { parameters, durableAck, lossWindowMs: durableAck ? 0 : Number.POSITIVE_INFINITY };
}
