import { JobsError, type JobsErrorCode } from "../../core/errors.ts";

/** An SQLite result code without its extension. */
const primary = {
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const;

/** What the reader's thread answers to a statement that wants to write. */
export const readonlyErrcode = primary.readonly;

/**
 * What SQLite says to a caller's own statement (`sql.query`): a constraint, a syntax error. `errcode` is SQLite's extended
 * result code (2067 is a UNIQUE constraint). The message is SQLite's: it names columns, never values.
 */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  readonly code = "ERR_SQLITE_ERROR";
  readonly errcode: number;

  constructor(message: string, errcode: number, options?: { cause?: unknown }) {
    super(message, options);
    this.errcode = errcode;
  }
}

/** The extended result code of what node:sqlite threw; undefined for anything else. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errcode } = error as Error & { errcode?: unknown };
  return typeof errcode === "number" ? errcode : undefined;
}

export function isReadonlyRefusal(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === primary.readonly;
}

export function isBusy(error: unknown): boolean {
  const code = (resultCode(error) ?? 0) & 0xff;
  return code === primary.busy || code === primary.locked;
}

export function isNotADatabase(error: unknown): boolean {
  const code = (resultCode(error) ?? 0) & 0xff;
  return code === primary.notADatabase || code === primary.corrupt;
}

/** Every error leaves this Transporter typed: the store's faults as `store_unavailable`, a statement's own as `SqliteError`. */
export function typed(error: unknown, path: string): JobsError | SqliteError {
  if (error instanceof JobsError || error instanceof SqliteError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = resultCode(error);
  if (code === undefined) return new JobsError("invalid_input", `SQLite store ${path}: ${message}`, { cause: error });
  switch (code & 0xff) {
    case primary.busy:
    case primary.locked:
      return new JobsError(
        "store_unavailable",
        `${path}: another process kept the writer for too long (${message}): shorten its transactions, then repeat`,
        { cause: error },
      );
    case primary.full:
    case primary.io:
    case primary.cantOpen:
      return new JobsError("store_unavailable", `${path}: ${message}: check the disk's space and health, then repeat`, {
        cause: error,
      });
    case primary.readonly:
    case primary.corrupt:
    case primary.notADatabase:
      return new JobsError(
        "store_unavailable",
        `${path}: ${message}: check the file and its folder, or restore a backup`,
        { cause: error },
      );
    default:
      return new SqliteError(message, code, { cause: error });
  }
}

/** An error between threads: structured cloning would keep its message only. */
export type WireError =
  | { code: JobsErrorCode; message: string; details?: JobsError["details"] | undefined }
  | { errcode: number; message: string };

export function toWire(error: unknown, path: string): WireError {
  const known = typed(error, path);
  return known instanceof JobsError
    ? { code: known.code, message: known.message, details: known.details }
    : { errcode: known.errcode, message: known.message };
}

export function fromWire(wire: WireError): JobsError | SqliteError {
  if ("errcode" in wire) return new SqliteError(wire.message, wire.errcode);
  const { code, message, details } = wire;
  return new JobsError(code, message, details === undefined ? {} : { details });
}
