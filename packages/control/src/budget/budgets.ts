import type { Kysely } from "kysely";
import { z } from "zod";
import type { Store } from "../storage/store.ts";
import { Batches } from "./batches.ts";
import { ahead, Line, lineOf, type BudgetKey } from "./line.ts";
import type { RateBucket } from "../providers/rate-budget.ts";
import type { RateAnswer } from "./rate-answer.ts";
import type { TrafficDatabase } from "./tables.ts";
import {
  declaredWindow,
  freeAt,
  heard,
  isLimited,
  isNews,
  room,
  spend,
  waitMs,
  windowOf,
  type Asker,
  type RateWindow,
} from "./window.ts";

export type { BudgetKey };

export interface BudgetAsk extends BudgetKey {
  asker: Asker;
  /** Stands in the line by its name's order: an instance's id, so that the older deploy goes first. Others take what is free. */
  waiter?: string | undefined;
  /** What the provider documents, to be kept to until it has answered; without it the first calls go unbounded. */
  bucket?: RateBucket | undefined;
}

/** `place`: in the line, from 1; `joined`: it was not there before. */
export type BudgetAnswer = { go: true } | { go: false; waitMs: number; place: number; joined: boolean };

/** A budget as people are shown it. */
export interface BudgetView {
  group: string;
  /** Calls in a window, once the provider has told so, and how many may be made now. */
  limit?: number;
  left?: number;
  windowMs: number;
  /** When all may be made again, if none is made until then; ms since 1970. */
  resetAt?: number;
  /** Instances in the line. */
  waiting: number;
  /** The provider has asked for a pause until then; ms since 1970. */
  blockedUntil?: number;
}

/** `place`: from 1; `since`: ms since 1970. */
export interface LinePlace {
  place: number;
  of: number;
  since: number | undefined;
}

/** Questions in one transaction: it has to stay short. */
const batchMax = 16;
/** The longest line moves within this; whoever waits looks that often whether others have left it. */
const lookAgainMs = 30_000;
/** The same while the limit is only the documented one: the first answer, a moment away, tells the real one. */
const firstAnswerMs = 500;
/** One that has not come back this long after its time has left the line; it finds its place again by its name. */
const lateMs = 10_000;

const windowSchema = z.object({
  limit: z.number(),
  windowMs: z.number(),
  slots: z.array(
    z.object({ slot: z.number(), used: z.number(), background: z.number(), sweep: z.number().default(0) }),
  ),
  blockedUntil: z.number(),
  declared: z.boolean().optional(),
  at: z.number(),
});

/**
 * C11: one rate budget for each account and endpoint group, shared by every worker on every host through one row that is
 * locked while it is changed. It begins with what the provider documents, and goes by what it says from its first answer on.
 */
export class Budgets {
  readonly #store: Store;
  readonly #asks: Batches<BudgetAsk, BudgetAnswer>;
  /** As last read or written by this process: tells whether an answer is news. */
  readonly #seen = new Map<string, RateWindow>();

  constructor(store: Store) {
    this.#store = store;
    this.#asks = new Batches(batchMax, (asks) => this.#answer(asks));
  }

  /** Takes one call from the budget, or says when to come back. */
  ask(ask: BudgetAsk): Promise<BudgetAnswer> {
    return this.#asks.ask(textOf(ask), ask);
  }

  /** Corrects the budget by what the provider has said; writes only what is news. */
  async heard(key: BudgetKey, answer: RateAnswer): Promise<void> {
    const seen = this.#seen.get(textOf(key));
    if (!isNews(seen, seen?.at ?? 0, answer)) return;
    const now = await this.#store.now();
    const first = windowOf(answer, now);
    // It says nothing of a limit: of news only to a budget that goes by what is documented.
    if (first === undefined && seen?.declared !== true) return;
    await this.#store.write(async (write) => {
      const db = write.db.withTables<TrafficDatabase>();
      if (first !== undefined) await begin(db, key, first);
      const window = await locked(db, key);
      if (window !== undefined) await this.#save(db, key, heard(window, now, answer));
    });
  }

  /** Where an instance stands in a line, from 1; undefined when it does not wait. */
  async place(key: BudgetKey, waiter: string): Promise<number | undefined> {
    const db = this.#store.db.withTables<TrafficDatabase>();
    const found = await lineOf(db, key).select("waiter").where("waiter", "=", waiter).executeTakeFirst();
    return found === undefined ? undefined : (await ahead(db, key, waiter)) + 1;
  }

  /** Where these instances stand, each in the line that it waits in; those that wait in none are left out. */
  async places(waiters: readonly string[]): Promise<Map<string, LinePlace>> {
    const rows = await this.#store.db
      .withTables<TrafficDatabase>()
      .selectFrom("control_budget_line as mine")
      .select((eb) => {
        const line = () =>
          eb
            .selectFrom("control_budget_line as line")
            .select((each) => each.fn.countAll<number | string>().as("count"))
            .whereRef("line.account", "=", "mine.account")
            .whereRef("line.call_group", "=", "mine.call_group");
        const before = line().whereRef("line.waiter", "<=", "mine.waiter");
        return ["mine.waiter", "mine.joined_at", before.as("place"), line().as("of")];
      })
      .where("mine.waiter", "in", waiters)
      .execute();
    return new Map(
      rows.map(({ waiter, joined_at: joined, place, of }) => [
        waiter,
        { place: Number(place), of: Number(of), since: joined === null ? undefined : Number(joined) },
      ]),
    );
  }

  /** What is known of an account's budgets. */
  async list(account: string): Promise<BudgetView[]> {
    const db = this.#store.db.withTables<TrafficDatabase>();
    const now = await this.#store.now();
    const rows = await db
      .selectFrom("control_budget")
      .selectAll()
      .where("account", "=", account)
      .orderBy("call_group")
      .execute();
    const views: BudgetView[] = [];
    for (const { call_group: group, state } of rows) {
      const window = read(state);
      const waiting = await ahead(db, { account, group });
      const { limit, windowMs, blockedUntil } = window;
      const resetAt = freeAt(window, now);
      views.push({
        group,
        windowMs,
        waiting,
        ...(isLimited(window) ? { limit, left: room(window, now, "people") } : {}),
        ...(resetAt > now ? { resetAt } : {}),
        ...(blockedUntil > now ? { blockedUntil } : {}),
      });
    }
    return views;
  }

  /** All of one budget. */
  async #answer(asks: BudgetAsk[]): Promise<BudgetAnswer[]> {
    const [key] = asks;
    if (key === undefined) return [];
    const plain = this.#store.db.withTables<TrafficDatabase>();
    const known = await plain
      .selectFrom("control_budget")
      .select("version")
      .where("account", "=", key.account)
      .where("call_group", "=", key.group)
      .executeTakeFirst();
    const bucket = asks.find((ask) => ask.bucket !== undefined)?.bucket;
    if (known === undefined && bucket === undefined) return asks.map(() => ({ go: true }));
    const now = await this.#store.now();
    return this.#store.write(async (write) => {
      const db = write.db.withTables<TrafficDatabase>();
      if (known === undefined && bucket !== undefined)
        await begin(db, key, declaredWindow(bucket.limit, bucket.windowMs, now));
      const window = await locked(db, key);
      if (window === undefined) return asks.map((): BudgetAnswer => ({ go: true }));
      const waiters = new Set(asks.map(({ waiter }) => waiter));
      const line = await Line.read(db, key, waiters, now - lateMs);
      return this.#decide(db, key, { window, line, now, asks });
    });
  }

  async #decide(
    db: Kysely<TrafficDatabase>,
    key: BudgetKey,
    { window, line, now, asks }: { window: RateWindow; line: Line; now: number; asks: BudgetAsk[] },
  ): Promise<BudgetAnswer[]> {
    const answers: BudgetAnswer[] = [];
    let current = window;
    for (const { asker, waiter } of asks) {
      // People in the line go before what goes on by itself; what has no place in it takes what is free.
      const before = waiter === undefined && asker === "people" ? 0 : line.ahead(waiter);
      if (room(current, now, asker) > before) {
        current = spend(current, now, asker);
        if (waiter !== undefined) line.leave(waiter);
        answers.push({ go: true });
        continue;
      }
      const wait = Math.min(
        waitMs(current, now, asker, before + 1),
        current.declared === true ? firstAnswerMs : lookAgainMs,
      );
      const joined = waiter !== undefined && line.join(waiter, { now, dueAt: now + wait });
      answers.push({ go: false, waitMs: wait, place: before + 1, joined });
    }
    await line.save();
    await this.#save(db, key, current);
    return answers;
  }

  async #save(db: Kysely<TrafficDatabase>, key: BudgetKey, window: RateWindow): Promise<void> {
    await db
      .updateTable("control_budget")
      .set({ state: JSON.stringify(window) })
      .where("account", "=", key.account)
      .where("call_group", "=", key.group)
      .execute();
    this.#seen.set(textOf(key), window);
  }
}

/** Unless there is a row. */
async function begin(db: Kysely<TrafficDatabase>, key: BudgetKey, window: RateWindow): Promise<void> {
  await db
    .insertInto("control_budget")
    .values({ account: key.account, call_group: key.group, state: JSON.stringify(window), version: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The row's state; nobody else changes it before this transaction has ended. */
async function locked(db: Kysely<TrafficDatabase>, key: BudgetKey): Promise<RateWindow | undefined> {
  const row = await db
    .updateTable("control_budget")
    .set((eb) => ({ version: eb("version", "+", 1) }))
    .where("account", "=", key.account)
    .where("call_group", "=", key.group)
    .returning("state")
    .executeTakeFirst();
  return row === undefined ? undefined : read(row.state);
}

function read(state: string): RateWindow {
  const { declared, ...window } = windowSchema.parse(JSON.parse(state));
  return declared === true ? { ...window, declared } : window;
}

function textOf({ account, group }: BudgetKey): string {
  return `${group} ${account}`;
}
