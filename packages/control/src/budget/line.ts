import type { Kysely } from "kysely";
import type { TrafficDatabase } from "./tables.ts";

/** Which budget a call counts against. */
export interface BudgetKey {
  account: string;
  /** A bucket of the account's provider. */
  group: string;
}

/**
 * The part of a budget's line that one batch of questions is about. It is read at once and written at once: the store's writer is held
 * meanwhile, and a question after the other took three round trips each.
 */
export class Line {
  readonly #db: Kysely<TrafficDatabase>;
  readonly #key: BudgetKey;
  /** How many stand before each by what is stored; all, for those without a name. */
  readonly #stored: ReadonlyMap<string | undefined, number>;
  /** Those of the batch that stand in the line by what is stored, and by what was decided since. */
  readonly #storedIn: ReadonlySet<string>;
  readonly #standing: Set<string>;
  readonly #due = new Map<string, { due_at: number; joined_at: number }>();

  private constructor(
    db: Kysely<TrafficDatabase>,
    key: BudgetKey,
    stored: ReadonlyMap<string | undefined, number>,
    storedIn: ReadonlySet<string>,
  ) {
    this.#db = db;
    this.#key = key;
    this.#stored = stored;
    this.#storedIn = storedIn;
    this.#standing = new Set(storedIn);
  }

  /** For `waiters`, undefined for those that have no name. Whoever has not come back by `lateAt` has left it. */
  static async read(
    db: Kysely<TrafficDatabase>,
    key: BudgetKey,
    waiters: ReadonlySet<string | undefined>,
    lateAt: number,
  ): Promise<Line> {
    const named = [...waiters].filter((waiter) => waiter !== undefined);
    await db
      .deleteFrom("control_budget_line")
      .where("account", "=", key.account)
      .where("call_group", "=", key.group)
      .where("due_at", "<", lateAt)
      .execute();
    const known =
      named.length === 0 ? [] : await lineOf(db, key).select("waiter").where("waiter", "in", named).execute();
    const asked = [...waiters];
    const counts: Record<string, number | string | null> = await db
      .selectNoFrom(() => asked.map((waiter, index) => countBefore(db, key, waiter).as(`before_${index}`)))
      .executeTakeFirstOrThrow();
    const stored = asked.map((waiter, index) => [waiter, Number(counts[`before_${index}`])] as const);
    return new Line(db, key, new Map(stored), new Set(known.map(({ waiter }) => waiter)));
  }

  /** How many stand before this one; all, when it has no name. */
  ahead(waiter: string | undefined): number {
    const isBefore = (other: string): boolean => waiter === undefined || other < waiter;
    let count = this.#stored.get(waiter) ?? 0;
    for (const other of this.#standing) if (!this.#storedIn.has(other) && isBefore(other)) count += 1;
    for (const other of this.#storedIn) if (!this.#standing.has(other) && isBefore(other)) count -= 1;
    return count;
  }

  /** True when it did not stand there before. */
  join(waiter: string, { now, dueAt }: { now: number; dueAt: number }): boolean {
    const isNew = !this.#standing.has(waiter);
    this.#standing.add(waiter);
    this.#due.set(waiter, { due_at: dueAt, joined_at: now });
    return isNew;
  }

  leave(waiter: string): void {
    this.#standing.delete(waiter);
    this.#due.delete(waiter);
  }

  async save(): Promise<void> {
    const { account, group: call_group } = this.#key;
    const left = [...this.#storedIn].filter((waiter) => !this.#standing.has(waiter));
    const rows = [...this.#due].map(([waiter, times]) => ({ account, call_group, waiter, ...times }));
    if (left.length > 0) {
      await this.#db
        .deleteFrom("control_budget_line")
        .where("account", "=", account)
        .where("call_group", "=", call_group)
        .where("waiter", "in", left)
        .execute();
    }
    if (rows.length === 0) return;
    await this.#db
      .insertInto("control_budget_line")
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(["account", "call_group", "waiter"])
          .doUpdateSet((eb) => ({ due_at: eb.ref("excluded.due_at") })),
      )
      .execute();
  }
}

/** How many stand before this one; all, when it has no name. */
export async function ahead(db: Kysely<TrafficDatabase>, key: BudgetKey, waiter?: string): Promise<number> {
  return Number((await countBefore(db, key, waiter).executeTakeFirstOrThrow()).count);
}

function countBefore(db: Kysely<TrafficDatabase>, key: BudgetKey, waiter: string | undefined) {
  const line = lineOf(db, key).select((eb) => eb.fn.countAll<number | string>().as("count"));
  return waiter === undefined ? line : line.where("waiter", "<", waiter);
}

export function lineOf(db: Kysely<TrafficDatabase>, key: BudgetKey) {
  return db.selectFrom("control_budget_line").where("account", "=", key.account).where("call_group", "=", key.group);
}
