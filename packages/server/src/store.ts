import { statSync } from "node:fs";
import { dirname } from "node:path";
import { ProvostError } from "@provost/contract";
import type { Transporter } from "@provost/jobs";
import type { DatabaseConfig } from "./config/database.ts";
import { makeFolder } from "./data-folder/make-folder.ts";
import { causes, errorCode, messageOf, rootCause } from "./error-code.ts";

/**
 * Opens the database and brings its tables up to date. Drivers are loaded when they are chosen.
 *
 * @throws ProvostError `database_unusable`: where, why, the way out; never a password.
 */
export async function openStore(database: DatabaseConfig): Promise<Transporter> {
  try {
    const transporter = database.kind === "sqlite" ? await openSqlite(database.file) : await openPostgres(database.url);
    try {
      await transporter.start();
    } catch (error) {
      await transporter.stop();
      throw error;
    }
    return transporter;
  } catch (error) {
    const reason = database.kind === "sqlite" ? sqliteReason(error) : postgresReason(error);
    throw new ProvostError("database_unusable", `The database ${database.shown} cannot be used: ${reason}.`, {
      field: "PROVOST_DATABASE",
      cause: error,
    });
  }
}

async function openSqlite(file: string): Promise<Transporter> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) throw new DatabaseIsFolder();
  makeFolder(dirname(file));
  const { sqlite } = await import("@provost/jobs/sqlite");
  return sqlite(file);
}

async function openPostgres(url: string): Promise<Transporter> {
  const { postgres } = await import("@provost/jobs/postgres");
  return postgres(url);
}

class DatabaseIsFolder extends ProvostError {
  constructor() {
    super("database_unusable", "it is a folder. Name a file in PROVOST_DATABASE");
  }
}

function sqliteReason(error: unknown): string {
  if (error instanceof DatabaseIsFolder) return error.message;
  const found = causes(error).map(errorCode);
  if (found.includes("EACCES") || found.includes("EPERM") || found.includes("EROFS")) {
    return "no permission. Name a file that you may write in PROVOST_DATABASE";
  }
  if (found.includes("ENOTDIR") || found.includes("EEXIST")) {
    return "part of that path is a file. Name another in PROVOST_DATABASE";
  }
  return `${lastWords(error)}. Look at that file, or name another in PROVOST_DATABASE`;
}

const postgresReasons: Record<string, string> = {
  ECONNREFUSED: "nothing listens there. Start PostgreSQL, or mend host and port in PROVOST_DATABASE",
  ENOTFOUND: "that host name is not known. Mend the host in PROVOST_DATABASE",
  EAI_AGAIN: "that host name cannot be looked up now. Mend the host in PROVOST_DATABASE, or the name service",
  ETIMEDOUT: "no answer. Mend host and port in PROVOST_DATABASE, or the network",
  EHOSTUNREACH: "there is no way to that host. Mend the host in PROVOST_DATABASE, or the network",
  "28P01": "the password is not accepted. Mend it in PROVOST_DATABASE",
  "28000": "the server does not let that user in. Mend the user in PROVOST_DATABASE, or the server's pg_hba.conf",
  "3D000": "it does not exist. Create it (createdb), or mend the name in PROVOST_DATABASE",
  "42501": "that user may not create tables there. Grant it CREATE on the database",
  "53300": "it has no connection left. Raise max_connections, or end others",
};

function postgresReason(error: unknown): string {
  for (const each of causes(error)) {
    const reason = postgresReasons[errorCode(each)];
    if (reason !== undefined) return reason;
  }
  return `${lastWords(error)}. Mend PROVOST_DATABASE`;
}

/** The innermost message says the most; a connection string in it loses its password. */
function lastWords(error: unknown): string {
  const text = messageOf(rootCause(error));
  return text.replace(/(postgres(?:ql)?:\/\/[^:@/\s]*):[^@\s]*@/g, "$1@").replace(/\.$/, "");
}
