import type { Selectable } from "kysely";
import type { Store } from "../storage/store.ts";
import { firstKey, keyOf } from "./order.ts";
import { ranges } from "./plan.ts";
import { fleetDb, type SweepLineTable, type SweepTable } from "./tables.ts";

export type SweepRow = Selectable<SweepTable>;
export type LineRow = Selectable<SweepLineTable>;

const errorWordsMax = 500;

/**
 * The sweeps of all accounts and how far they are, in the store: any server goes on where another has ended.
 *
 *   idle ── begin ──► running ── last page of the last line ──► confirming ── all looked for ──► idle
 *                        └────────── … after a page that failed ──────────────────────────────────►
 */
export class SweepBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async read(account: string): Promise<SweepRow | undefined> {
    return fleetDb(this.#store)
      .selectFrom("control_sweep")
      .selectAll()
      .where("account", "=", account)
      .executeTakeFirst();
  }

  async line(account: string, line: number): Promise<LineRow | undefined> {
    return fleetDb(this.#store)
      .selectFrom("control_sweep_line")
      .selectAll()
      .where("account", "=", account)
      .where("line", "=", line)
      .executeTakeFirst();
  }

  /** Lines whose last page has not been read. */
  async open(account: string): Promise<number[]> {
    const rows = await fleetDb(this.#store)
      .selectFrom("control_sweep_line")
      .select("line")
      .where("account", "=", account)
      .where("done", "=", 0)
      .orderBy("line")
      .execute();
    return rows.map(({ line }) => line);
  }

  /** Ends of the pages of the sweep before, ascending: where the next one may be cut into lines. */
  async pageEnds(account: string): Promise<string[]> {
    const rows = await fleetDb(this.#store)
      .selectFrom("control_sweep_page")
      .select("upto_id")
      .where("account", "=", account)
      .orderBy("upto_key")
      .execute();
    return rows.map(({ upto_id: id }) => id);
  }

  /** An account's first sweep comes with its row. */
  async known(account: string, now: number): Promise<SweepRow> {
    const none = {
      number: 0,
      state: "idle" as const,
      began_at: now,
      pages: 0,
      seen: 0,
      errors: 0,
      page_ms: 0,
      complete: 0,
      complete_pages: 0,
      complete_seen: 0,
      complete_lines: 0,
    };
    const before = await this.read(account);
    if (before !== undefined) return before;
    await fleetDb(this.#store)
      .insertInto("control_sweep")
      .values({ account, ...none })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return { ...none, account, last_error: null, complete_began_at: null, complete_ended_at: null };
  }

  /** Begins the sweep after `before`, unless another server has. `paceMs`: between two pages of the account. */
  async begin(
    before: SweepRow,
    plan: { lines: number; ends: readonly string[]; paceMs: number },
    now: number,
  ): Promise<boolean> {
    const { account, number } = before;
    const cut = ranges(plan.ends, plan.lines);
    return this.#store.write(async (write) => {
      const db = fleetDb(write);
      const begun = await db
        .updateTable("control_sweep")
        .set({ number: number + 1, state: "running", began_at: now, pages: 0, seen: 0, errors: 0 })
        .where("account", "=", account)
        .where("number", "=", number)
        .where("state", "=", "idle")
        .returning("number")
        .executeTakeFirst();
      if (begun === undefined) return false;
      await db.deleteFrom("control_sweep_line").where("account", "=", account).execute();
      await db
        .insertInto("control_sweep_line")
        .values(
          cut.map(({ fromId, untilId, untilKey }, line) => ({
            account,
            line,
            sweep: number + 1,
            cursor: fromId ?? null,
            from_key: fromId === undefined ? firstKey : keyOf(fromId),
            until_id: untilId ?? null,
            until_key: untilKey,
            next_at: Math.round(now + line * plan.paceMs),
            done: 0,
            version: 0,
          })),
        )
        .execute();
      return true;
    });
  }

  /** A page could not be read: what this sweep does not show is not absent for that (C10). */
  async failed(account: string, sweep: number, message: string): Promise<void> {
    await fleetDb(this.#store)
      .updateTable("control_sweep")
      .set((eb) => ({ errors: eb("errors", "+", 1), last_error: message.slice(0, errorWordsMax) }))
      .where("account", "=", account)
      .where("number", "=", sweep)
      .execute();
  }

  /** What it did not show has been looked for, or could not be: the next one may begin. */
  async over(account: string, sweep: number): Promise<void> {
    await fleetDb(this.#store)
      .updateTable("control_sweep")
      .set({ state: "idle" })
      .where("account", "=", account)
      .where("number", "=", sweep)
      .where("state", "=", "confirming")
      .execute();
  }
}
