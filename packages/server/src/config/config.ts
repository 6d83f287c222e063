import { join, resolve } from "node:path";
import { parseDatabase, type DatabaseConfig } from "./database.ts";
import {
  readAddress,
  readBasePath,
  readDuration,
  readFlag,
  readLevel,
  readList,
  readNetworks,
  readPort,
  readSecretKey,
  readUrl,
  retention,
  ticks,
  type Level,
} from "./values.ts";

/** Everything the server can be told, read once; nothing else in Provost's server reads the environment (HOUSE). */
export interface ServerConfig {
  /** Absolute. */
  dataFolder: string;
  database: DatabaseConfig;
  host: string;
  /** Undefined: the port used last, 4510, or a free one. 0: a free one. */
  port: number | undefined;
  /** Everything is served under it; without a slash at its end, empty for none. */
  basePath: string;
  /** Proxies whose `x-forwarded-…` counts: addresses and networks. */
  trustedProxies: string[];
  /** Folder of the page's build. */
  dashboard: string;
  callback: {
    /** The address that instances call; undefined: the server's own. */
    url: string | undefined;
    /** A second listener that serves callbacks only. */
    listen: { host: string; port: number } | undefined;
    /** Plain HTTP to private addresses (C6). */
    allowHttp: boolean;
  };
  /** In ms; what is absent is the control plane's default. */
  timings: {
    provisionMaxMs?: number;
    bakeMaxMs?: number;
    lookEveryMs?: number;
    watchdogEveryMs?: number;
    sweepEveryMs?: number;
    feedEveryMs?: number;
    auditKeptMs?: number;
  };
  /** Addresses and networks that webhooks may reach though they are private. */
  webhooksTo: string[];
  logLevel: Level;
  /** 32 bytes; undefined: the data folder's own. */
  secretKey: Uint8Array | undefined;
}

/** Beside this package, in Provost's own folder. */
const dashboardBuild = join(import.meta.dirname, "../../../dashboard/dist");

/** Given on the command line; each one beats its variable. */
export interface ServerFlags {
  data?: string;
  database?: string;
  host?: string;
  port?: string;
}

/** The environment's part of it, for `--help` and the guide. */
export const variables = {
  PROVOST_DATA: "data folder, made at first start (./.provost)",
  PROVOST_DATABASE: "postgres://user:password@host/name, or an SQLite file (provost.db in the data folder)",
  PROVOST_HOST: "address to listen on (127.0.0.1)",
  PROVOST_PORT: "port to listen on (4510, or a free one when that is taken)",
  PROVOST_BASE_PATH: "path that everything is served under, /provost (none)",
  PROVOST_TRUST_PROXY: "addresses and networks of proxies whose x-forwarded-… headers count, 10.0.0.1 (none)",
  PROVOST_DASHBOARD: "folder of the dashboard's build (packages/dashboard/dist)",
  PROVOST_CALLBACK_URL: "address that instances call, https://… (the server's own)",
  PROVOST_CALLBACK_LISTEN: "host:port of a second listener that serves callbacks only (none)",
  PROVOST_CALLBACK_ALLOW_HTTP: "1 allows plain HTTP callbacks to private addresses (0)",
  PROVOST_PROVISION_TIMEOUT: "an instance that is not ready this long after its create has failed (15m)",
  PROVOST_BAKE_TIMEOUT: "a bake whose image is not made this long after its builder's create has failed (1h)",
  PROVOST_LOOK_EVERY: "how often a waiting instance is looked at (30s)",
  PROVOST_WATCHDOG_EVERY: "how often the watchdog goes round (30s)",
  PROVOST_SWEEP_EVERY: "how often a sweep of a provider's instances begins and its feed is read (5s)",
  PROVOST_AUDIT_KEPT: "how long lines of the audit log are kept (365d)",
  PROVOST_WEBHOOK_ALLOW: "private addresses and networks that webhooks may reach, 10.1.0.0/16,127.0.0.1 (none)",
  PROVOST_LOG_LEVEL: "fatal, error, warn, info, debug or trace (info)",
  PROVOST_SECRET_KEY: "32 bytes in hex or base64 that seal credentials (secret.key in the data folder)",
} as const;

export type Variable = keyof typeof variables;

/**
 * Reads flags and environment.
 *
 * @throws ProvostError `config_invalid`: which variable, its value (never a credential), what is accepted.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, flags: ServerFlags = {}): ServerConfig {
  const value = (name: Variable, flag?: string): string | undefined => flag ?? (env[name] || undefined);
  const sweepEveryMs = readDuration("PROVOST_SWEEP_EVERY", value("PROVOST_SWEEP_EVERY"), ticks);
  const dataFolder = resolve(value("PROVOST_DATA", flags.data) ?? ".provost");
  return {
    dataFolder,
    database: parseDatabase(value("PROVOST_DATABASE", flags.database), dataFolder),
    host: value("PROVOST_HOST", flags.host) ?? "127.0.0.1",
    port: readPort(flags.port === undefined ? "PROVOST_PORT" : "--port", value("PROVOST_PORT", flags.port)),
    basePath: readBasePath("PROVOST_BASE_PATH", value("PROVOST_BASE_PATH")),
    trustedProxies: readNetworks("PROVOST_TRUST_PROXY", value("PROVOST_TRUST_PROXY")),
    dashboard: resolve(value("PROVOST_DASHBOARD") ?? dashboardBuild),
    callback: {
      url: readUrl("PROVOST_CALLBACK_URL", value("PROVOST_CALLBACK_URL")),
      listen: readAddress("PROVOST_CALLBACK_LISTEN", value("PROVOST_CALLBACK_LISTEN")),
      allowHttp: readFlag("PROVOST_CALLBACK_ALLOW_HTTP", value("PROVOST_CALLBACK_ALLOW_HTTP")),
    },
    timings: readTimings({
      provisionMaxMs: readDuration("PROVOST_PROVISION_TIMEOUT", value("PROVOST_PROVISION_TIMEOUT")),
      bakeMaxMs: readDuration("PROVOST_BAKE_TIMEOUT", value("PROVOST_BAKE_TIMEOUT")),
      lookEveryMs: readDuration("PROVOST_LOOK_EVERY", value("PROVOST_LOOK_EVERY")),
      watchdogEveryMs: readDuration("PROVOST_WATCHDOG_EVERY", value("PROVOST_WATCHDOG_EVERY")),
      sweepEveryMs,
      feedEveryMs: sweepEveryMs,
      auditKeptMs: readDuration("PROVOST_AUDIT_KEPT", value("PROVOST_AUDIT_KEPT"), retention),
    }),
    webhooksTo: readList(value("PROVOST_WEBHOOK_ALLOW")),
    logLevel: readLevel("PROVOST_LOG_LEVEL", value("PROVOST_LOG_LEVEL")),
    secretKey: readSecretKey("PROVOST_SECRET_KEY", value("PROVOST_SECRET_KEY")),
  };
}

/** Without the keys that were not set: the control plane's defaults hold for those. */
function readTimings(given: Record<keyof ServerConfig["timings"], number | undefined>): ServerConfig["timings"] {
  return Object.fromEntries(Object.entries(given).filter(([, ms]) => ms !== undefined));
}
