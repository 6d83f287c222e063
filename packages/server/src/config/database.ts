import { join, resolve } from "node:path";
import { invalid, quoted } from "./values.ts";

export type DatabaseConfig =
  | { kind: "sqlite"; file: string; shown: string }
  | { kind: "postgres"; url: string; /** Without the password. */ shown: string };

/**
 * `postgres://…` (or `postgresql://`), or the path of an SQLite file, with or without `sqlite:` before it.
 *
 * @throws ProvostError `config_invalid`; a password in it is never shown.
 */
export function parseDatabase(value: string | undefined, dataFolder: string): DatabaseConfig {
  if (value === undefined) return sqliteFile(join(dataFolder, "provost.db"));
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(value)?.[1]?.toLowerCase();
  if (scheme === "postgres" || scheme === "postgresql") return postgresUrl(value);
  if (scheme === "sqlite" || scheme === "file") {
    const path = value.slice(scheme.length + 1).replace(/^\/\/(?=\/)/, "");
    if (path === "") throw invalid("PROVOST_DATABASE", quoted(value), "name the SQLite file after the colon");
    return sqliteFile(resolve(path));
  }
  if (scheme !== undefined && !/^[a-zA-Z]:[\\/]/.test(value)) {
    throw invalid(
      "PROVOST_DATABASE",
      quoted(withoutPassword(value)),
      `"${scheme}" is no database that Provost knows; give postgres://user:password@host/name or the path of an SQLite file`,
    );
  }
  return sqliteFile(resolve(value));
}

function sqliteFile(file: string): DatabaseConfig {
  return { kind: "sqlite", file, shown: file };
}

function postgresUrl(value: string): DatabaseConfig {
  const url = URL.parse(value);
  if (url === null || url.pathname.length < 2) {
    throw invalid(
      "PROVOST_DATABASE",
      quoted(withoutPassword(value)),
      "give it like postgres://user:password@host/name, with %2F for / and %40 for @ in the password",
    );
  }
  return { kind: "postgres", url: value, shown: withoutPassword(value) };
}

/** Works on what is no URL at all, too: everything between the scheme's slashes and the last `@` may hold a password. */
export function withoutPassword(value: string): string {
  const hidden = value.replace(/^([a-zA-Z][\w+.-]*:\/*)([^:@/]*)(?::.*)?@(?=[^@]*$)/, "$1$2@");
  return hidden.replace(/([?&](?:password|sslpassword)=)[^&]*/gi, "$1…");
}
