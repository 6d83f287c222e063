import { JobsError } from "../../core/errors.ts";
import type { SqlResult, Tx } from "../transporter.ts";
import type { Connections } from "./connections.ts";
import { asStoreError, isConnectionLoss, storeError } from "./failures.ts";

/** A lent transaction that has said nothing for so long is ended by the server: it may hold what settlements wait for. */
const idleMsMax = 60_000;

/** The part of a `pg` client or pool client that a transaction needs; the caller's `pg` may be another copy than ours. */
export interface PgClientLike {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

interface TxState {
  client: PgClientLike;
  /** Undefined for the caller's own connection. */
  owner: Connections | undefined;
  open: boolean;
  /** Queues in which jobs are ready once it has committed. */
  ready: Set<string>;
}

const states = new WeakMap<Tx, TxState>();

/**
 * A `Tx` of the caller's own connection, for `enqueue`, `wake` and `amend` to join its transaction (L11). Begin and end it
 * yourself, at READ COMMITTED; its database must be the one that has the Transporter's schema.
 */
export function fromPgClient(client: PgClientLike): Tx {
  return txOf({ client, owner: undefined, open: true, ready: new Set() });
}

function txOf(state: TxState): Tx {
  const tx: Tx = { query: (sql, params) => runIn(state, sql, params) };
  states.set(tx, state);
  return tx;
}

async function runIn(state: TxState, sql: string, params: readonly unknown[] | undefined): Promise<SqlResult> {
  if (!state.open) throw expired("has ended already");
  return await runSql(state.client, sql, params);
}

/** The caller's own SQL keeps the server's own errors, whose codes and constraint names the caller may need; a lost connection is typed. */
export async function runSql(
  client: PgClientLike,
  sql: string,
  params: readonly unknown[] | undefined,
): Promise<SqlResult> {
  try {
    const { rows, rowCount } = await client.query(sql, params === undefined ? undefined : [...params]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `pg` makes an object of every row
    return { rows: rows as Record<string, unknown>[], changes: rowCount ?? 0 };
  } catch (error) {
    throw isConnectionLoss(error) ? asStoreError(error) : error;
  }
}

/**
 * A statement that fails leaves the caller's transaction as it was: without a savepoint the server would refuse all that
 * follows. @throws JobsError, `transaction_expired` when the connection is in no transaction.
 */
export async function inSavepoint<R>(client: PgClientLike, text: string, values: unknown[]): Promise<R[]> {
  try {
    await client.query("SAVEPOINT provost_jobs");
  } catch (error) {
    throw asStoreError(error);
  }
  try {
    const { rows } = await client.query(text, values);
    await client.query("RELEASE SAVEPOINT provost_jobs");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as in `connections.ts`
    return rows as R[];
  } catch (error) {
    if (!isConnectionLoss(error))
      await client.query("ROLLBACK TO SAVEPOINT provost_jobs; RELEASE SAVEPOINT provost_jobs");
    throw asStoreError(error);
  }
}

function expired(problem: string): JobsError {
  return new JobsError("transaction_expired", `the transaction ${problem}: do the work again in a new one`);
}

/** Of the Transporter on `connections`, or of the caller's own connection. @throws JobsError `transaction_foreign`, `transaction_expired`. */
export function stateOf(tx: Tx, connections: Connections): TxState {
  const state = states.get(tx);
  if (state === undefined || (state.owner !== undefined && state.owner !== connections)) {
    throw new JobsError(
      "transaction_foreign",
      "tx is of another store: give one from this Transporter's sql.transaction, or fromPgClient(client)",
    );
  }
  if (!state.open) throw expired("has ended already");
  return state;
}

/**
 * BEGIN, `fn`, COMMIT or ROLLBACK. `committed` hears of the queues made ready, after the commit.
 *
 * @throws what `fn` threw; JobsError `store_unavailable` (when it strikes at the COMMIT the outcome is not known) and
 *   `transaction_expired` when a failed statement was passed over, so that the server could only roll back.
 */
export async function inTransaction<T>(
  connections: Connections,
  fn: (tx: Tx) => Promise<T>,
  committed: (queues: string[]) => void,
): Promise<T> {
  const lent = await connections.lend();
  const { client } = lent;
  const state: TxState = { client, owner: connections, open: true, ready: new Set() };
  let broken = true;
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = ${idleMsMax}`,
    );
    const value = await fn(txOf(state));
    state.open = false;
    const { command } = await client.query("COMMIT");
    broken = false;
    if (command !== "COMMIT") throw expired("was rolled back: a statement in it had failed");
    committed([...state.ready]);
    return value;
  } catch (error) {
    if (broken)
      broken = await client.query("ROLLBACK").then(
        () => false,
        () => true,
      );
    throw isConnectionLoss(error) ? (storeError(error) ?? error) : error;
  } finally {
    state.open = false;
    lent.giveBack(broken);
  }
}
