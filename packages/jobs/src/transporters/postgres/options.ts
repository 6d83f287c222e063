import { parseIntoClientConfig } from "pg-connection-string";
import type { ClientConfig } from "pg";
import { JobsError } from "../../core/errors.ts";
import { lowWaterJobs } from "./low-water.ts";

/** How the PostgreSQL Transporter connects. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with the parameters libpq has (`sslmode`, `host` for a socket's folder). */
  connectionString: string;
  /** Where the tables live; several deployments share a database by it. `provost_jobs` by default. */
  schema?: string;
  /** Connections for jobs at most, 8 by default. One more listens when `onReady` has listeners. */
  poolMax?: number;
  /** Connections lent by `sql` at most, 8 by default: apart, so that callers' transactions never hold up a settlement. */
  sqlPoolMax?: number;
  /** How long to wait for a connection, 10 s by default. */
  connectTimeoutMs?: number;
  /** How long one statement may take before its connection is given up, 30 s by default. */
  queryTimeoutMs?: number;
}

export type PostgresSettings = Required<PostgresOptions> & {
  client: ClientConfig;
  /** See `low-water.ts`: tests have fewer. */
  lowWaterJobs: number;
};

const bounds = [
  ["poolMax", 1, 1_000],
  ["sqlPoolMax", 1, 1_000],
  ["connectTimeoutMs", 100, 600_000],
  ["queryTimeoutMs", 100, 3_600_000],
] as const;

/** @throws JobsError `invalid_options`; the message never holds the connection string, which has the password. */
export function settingsOf(given: string | PostgresOptions): PostgresSettings {
  const options = typeof given === "string" ? { connectionString: given } : given;
  const settings = {
    connectionString: options.connectionString,
    schema: options.schema ?? "provost_jobs",
    poolMax: options.poolMax ?? 8,
    sqlPoolMax: options.sqlPoolMax ?? 8,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    queryTimeoutMs: options.queryTimeoutMs ?? 30_000,
  };
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(settings.schema) || settings.schema.startsWith("pg_")) {
    throw new JobsError(
      "invalid_options",
      `schema ${JSON.stringify(settings.schema)}: use 1 to 63 of a-z, 0-9 and _, not starting with a digit or pg_`,
    );
  }
  for (const [name, min, max] of bounds) {
    const value = settings[name];
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new JobsError("invalid_options", `${name} is ${String(value)}: give a whole number from ${min} to ${max}`);
    }
  }
  return { ...settings, client: clientConfig(options.connectionString), lowWaterJobs };
}

function clientConfig(connectionString: unknown): ClientConfig {
  if (typeof connectionString !== "string" || connectionString === "") throw refuse("is missing");
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(connectionString)?.[1]?.toLowerCase();
  if (scheme !== "postgres" && scheme !== "postgresql") {
    throw refuse(scheme === undefined ? "has no scheme" : `starts with ${scheme}:`);
  }
  let config: ClientConfig;
  try {
    config = parseIntoClientConfig(connectionString);
  } catch {
    // Its own message may quote the string.
    throw refuse("cannot be read");
  }
  if (config.port !== undefined && (!Number.isInteger(config.port) || config.port < 1 || config.port > 65_535)) {
    throw refuse("has a port that is none");
  }
  return config;
}

function refuse(problem: string): JobsError {
  return new JobsError(
    "invalid_options",
    `the PostgreSQL connection string ${problem}: give postgres://user:password@host:port/database`,
  );
}
