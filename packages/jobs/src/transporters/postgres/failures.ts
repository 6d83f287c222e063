import { JobsError, type JobsErrorCode } from "../../core/errors.ts";
import { queueFull } from "../../core/queue.ts";
import { uniqueKeyTakenState } from "./sql/enqueue.ts";
import { queueFullState } from "./sql/queues.ts";
import { notANumberState } from "./sql/permits.ts";

/** What PostgreSQL and the network say, in the codes of this package. Messages never hold a password or an input. */
interface Known {
  code: JobsErrorCode;
  wayOut: string;
}

const unavailable = (wayOut: string): Known => ({ code: "store_unavailable", wayOut });

/** PgBouncer, asked for what the database's own settings are not. */
const poolerRefuses: Known = {
  code: "store_unsupported",
  wayOut:
    "a pooler refuses what the connections ask for as they start, since the database has another default_transaction_isolation " +
    "than read committed, or synchronous_commit off: set both for the role instead (ALTER ROLE … SET …)",
};

/** By SQLSTATE; a class of two characters stands for all in it. */
const states: Readonly<Record<string, Known>> = {
  "28P01": unavailable("check the user and password in the connection string"),
  "28000": unavailable("check the user in the connection string and the server's pg_hba.conf"),
  "3D000": unavailable("create the database, or name another in the connection string"),
  "42501": unavailable("grant the user CREATE on the database, or ALL on the schema, its tables and functions"),
  "25006": unavailable("the server is read-only, a standby perhaps: connect to the primary"),
  "25P03": unavailable("the transaction was idle for too long and was ended: keep it short"),
  "55P03": unavailable("another transaction holds the rows: end it, then repeat"),
  "57014": unavailable("the statement was cancelled at its time limit: repeat"),
  "40P01": unavailable("transactions waited for one another: repeat"),
  "40001": unavailable("transactions crossed: repeat"),
  "25P01": { code: "transaction_expired", wayOut: "no transaction is open on that connection: BEGIN first" },
  "25P02": { code: "transaction_expired", wayOut: "a statement in it has failed: ROLLBACK, and do the work again" },
  "0A000": { code: "store_unsupported", wayOut: "the server lacks a feature: use PostgreSQL 14 or later" },
  "08": unavailable("check that the server is up and reachable, then repeat"),
  "53": unavailable(
    "the server is out of connections, memory or disk: raise max_connections or lower poolMax, free space",
  ),
  "57": unavailable("the server is stopping or starting: repeat"),
  "58": unavailable("the server cannot use its files: see its log"),
  XX: unavailable("the server has failed inside: see its log"),
  "3F000": unavailable("the schema is missing: call start(), or connect to the database that has it"),
  "42P01": unavailable("a table is missing: call start(), or connect to the database that has it"),
  "42883": unavailable("a function is missing: call start(), or connect to the database that has it"),
  "22021": { code: "invalid_input", wayOut: "names and keys cannot hold the character U+0000" },
  "22P05": { code: "invalid_input", wayOut: "names and keys cannot hold the character U+0000" },
  "22P02": { code: "invalid_input", wayOut: "names, keys and payloads must be well-formed Unicode" },
};

const network: Readonly<Record<string, string>> = {
  ECONNREFUSED: "check the host and port, and that PostgreSQL is started",
  ENOTFOUND: "check the host's name",
  EAI_AGAIN: "check the host's name and the name server",
  ENOENT: "check the socket's folder, and that PostgreSQL is started",
  EACCES: "check the rights on the socket's folder",
  ETIMEDOUT: "check the network and the firewall",
  EHOSTUNREACH: "check the network",
  ENETUNREACH: "check the network",
  ECONNRESET: "the connection broke: repeat",
  EPIPE: "the connection broke: repeat",
};

/** Errors of `pg` that carry no code. */
const texts: readonly (readonly [RegExp, string])[] = [
  [/connection terminated|not queryable|client was closed|ended by a broken/i, "the connection broke: repeat"],
  [
    /timeout exceeded when trying to connect/i,
    "all connections are busy, or the server does not answer: raise poolMax or check it",
  ],
  [/query read timeout/i, "the server has not answered in time: check it, then repeat"],
  [/does not support SSL/i, "take sslmode out of the connection string, or switch SSL on at the server"],
  [/SASL|password must be a string|client password/i, "check the user and password in the connection string"],
];

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  // Several addresses were tried: the first says what the others do.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}

/** What the server says, in five characters; undefined for what the network or the client says. */
function sqlState(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !(code in network) ? code : undefined;
}

function textOf(error: unknown): string {
  if (error instanceof Error && error.message !== "") return error.message;
  return error instanceof AggregateError && error.errors.length > 0 ? textOf(error.errors[0]) : "no message";
}

/** True when the same statement is worth sending again by itself: the server undid it because of another's. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  return code === "40P01" || code === "40001";
}

/** True when the connection cannot be used any more. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return texts.slice(0, 3).some(([pattern]) => pattern.test(textOf(error)));
  return code in network || /^(08|57P0[1235]|25P03)/.test(code);
}

/** The typed error for what went wrong with the store; undefined for what is none of the store's making. */
export function storeError(error: unknown): JobsError | undefined {
  if (error instanceof JobsError) return error;
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  const text = textOf(error);
  const typed = ({ code: stable, wayOut }: Known): JobsError =>
    new JobsError(stable, `PostgreSQL: ${text}: ${wayOut}`, { cause: error });
  if (code === queueFullState) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the function that raises it
    const full = JSON.parse(text) as Parameters<typeof queueFull>;
    return new JobsError("queue_full", queueFull(...full), { cause: error });
  }
  if (code === uniqueKeyTakenState) {
    const holder = "detail" in error && typeof error.detail === "string" ? { details: { holder: error.detail } } : {};
    return new JobsError("unique_key_taken", text, { cause: error, ...holder });
  }
  if (/unsupported startup parameter/i.test(text)) return typed(poolerRefuses);
  if (code === notANumberState) return new JobsError("invalid_input", text, { cause: error });
  const known = code === undefined ? undefined : (states[code] ?? states[sqlState(error)?.slice(0, 2) ?? ""]);
  if (known !== undefined) return typed(known);
  const wayOut = (code === undefined ? undefined : network[code]) ?? texts.find(([pattern]) => pattern.test(text))?.[1];
  return wayOut === undefined ? undefined : typed(unavailable(wayOut));
}

/**
 * As `storeError`; what it does not know is a failure of the store all the same. What a server that is there says of the statement is no
 * reason to send it again: it was undone, and would be once more.
 */
export function asStoreError(error: unknown): JobsError {
  const code = sqlState(error) === undefined ? "store_unavailable" : "store_refused";
  return (
    storeError(error) ?? new JobsError(code, `PostgreSQL: ${textOf(error)}: see the server's log`, { cause: error })
  );
}
