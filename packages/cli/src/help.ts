import { facts } from "./output/table.ts";
import { paint } from "./output/terminal.ts";

/** What `--help` says below the options. */

const plain = paint(false);

export function examples(called: string, lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${called} ${line}\n`).join("")}`;
}

export const exitCodeHelp = `
Exit codes: 0 done, 1 failure, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6 timeout, 7 the operation
failed, 130 interrupted. Every error ends with its code in brackets; docs/errors.md says of each what to do.
`;

/** The server's whole configuration; a test holds it together with the server's own list. */
export const serverVariables = `\nEnvironment:\n${facts(
  [
    ["PROVOST_DATA", "data folder, made at first start (./.provost)"],
    ["PROVOST_DATABASE", "postgres://user:password@host/name, or an SQLite file (provost.db in the data folder)"],
    ["PROVOST_HOST", "address to listen on (127.0.0.1)"],
    ["PROVOST_PORT", "port to listen on (4510, or a free one when that is taken)"],
    ["PROVOST_BASE_PATH", "path that everything is served under, /provost (none)"],
    ["PROVOST_TRUST_PROXY", "addresses and networks of proxies whose x-forwarded-… headers count, 10.0.0.1 (none)"],
    ["PROVOST_DASHBOARD", "folder of the dashboard's build (packages/dashboard/dist)"],
    ["PROVOST_CALLBACK_URL", "address that instances call, https://… (the server's own)"],
    ["PROVOST_CALLBACK_LISTEN", "host:port of a second listener that serves callbacks only (none)"],
    ["PROVOST_CALLBACK_ALLOW_HTTP", "1 allows plain HTTP callbacks to private addresses (0)"],
    ["PROVOST_PROVISION_TIMEOUT", "an instance that is not ready this long after its create has failed (15m)"],
    ["PROVOST_BAKE_TIMEOUT", "a bake whose image is not made this long after its builder's create has failed (1h)"],
    ["PROVOST_LOOK_EVERY", "how often a waiting instance is looked at (30s)"],
    ["PROVOST_WATCHDOG_EVERY", "how often the watchdog goes round (30s)"],
    ["PROVOST_SWEEP_EVERY", "how often a sweep of a provider's instances begins and its feed is read (5s)"],
    ["PROVOST_AUDIT_KEPT", "how long lines of the audit log are kept (365d)"],
    ["PROVOST_WEBHOOK_ALLOW", "private addresses and networks that webhooks may reach, 10.1.0.0/16,127.0.0.1 (none)"],
    ["PROVOST_LOG_LEVEL", "fatal, error, warn, info, debug or trace (info)"],
    ["PROVOST_SECRET_KEY", "32 bytes in hex or base64 that seal credentials (secret.key in the data folder)"],
  ],
  plain,
  "  ",
)}`;
