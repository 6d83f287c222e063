import type { Transporter } from "../transporter.ts";
import { type SqliteOptions, SqliteTransporter } from "./transporter.ts";

export { SqliteError } from "./errors.ts";
export type { SqliteOptions } from "./transporter.ts";
export { fromDatabaseSync } from "./tx.ts";

/**
 * A Transporter on an SQLite file of this host, made when missing (its folder must exist). Several processes may share
 * the file; a network filesystem or a second host is refused at `start()` (L14).
 */
export function sqlite(path: string, options?: SqliteOptions): Transporter {
  return new SqliteTransporter(path, options);
}
