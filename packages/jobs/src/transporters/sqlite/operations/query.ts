import type { SQLInputValue } from "node:sqlite";
import { JobsError } from "../../../core/errors.ts";
import type { SqlResult } from "../../transporter.ts";
import type { Session } from "../session.ts";

const changesSql = "SELECT changes() AS changes, total_changes() AS total";

/** BEGIN, COMMIT and a whole ROLLBACK would end a transaction that others are in; savepoints of one's own are fine. */
const transactionControl = /^\s*(?:begin|commit|end|rollback(?!\s+(?:transaction\s+)?to\b)|attach|detach)\b/i;
const savepoint = /^\s*(?:savepoint|release|rollback)\b/i;

/** One statement of the caller's. `inTransaction`: savepoints are allowed. */
export function query(session: Session, sql: string, params: readonly unknown[], inTransaction: boolean): SqlResult {
  if (transactionControl.test(sql) || (!inTransaction && savepoint.test(sql))) {
    throw new JobsError(
      "transaction_foreign",
      `"${sql.trim().slice(0, 40)}" by hand is refused: use sql.transaction(fn)`,
    );
  }
  const statement = session.prepare(sql);
  const values = params.map(bindable);
  if (statement.columns().length === 0) return { rows: [], changes: Number(statement.run(...values).changes) };
  const before = session.get<{ total: number }>(changesSql)?.total ?? 0;
  const rows = statement.all(...values);
  const after = session.get<{ changes: number; total: number }>(changesSql);
  // `changes()` stays as it was after a statement that only reads.
  return { rows, changes: after === undefined || after.total === before ? 0 : after.changes };
}

function bindable(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (
    typeof value === "number" ||
    typeof value === "bigint" ||
    typeof value === "string" ||
    value instanceof Uint8Array
  )
    return value;
  throw new JobsError(
    "invalid_input",
    `a ${typeof value} cannot be a parameter of SQLite: give a number, text, Uint8Array, boolean or null`,
  );
}
