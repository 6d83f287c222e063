import type { Account } from "../accounts/account.ts";
import type { Budgets } from "../budget/budgets.ts";
import { backgroundRate } from "../budget/window.ts";
import { paceMs } from "./plan.ts";

/** A limit that has changed is heeded after this. */
const freshMs = 10_000;

/** How far apart the pages of an account's list are, by what its provider has told of its limit, or else documents (C11). */
export class PaceKeeper {
  readonly #budgets: Budgets;
  readonly #feedEveryMs: number;
  readonly #known = new Map<string, { paceMs: number; until: number }>();

  constructor(budgets: Budgets, feedEveryMs: number) {
    this.#budgets = budgets;
    this.#feedEveryMs = feedEveryMs;
  }

  async paceMs({ name, capabilities }: Account): Promise<number> {
    const now = performance.now();
    const known = this.#known.get(name);
    if (known !== undefined && known.until > now) return known.paceMs;
    const { rateBuckets, eventFeed } = capabilities;
    const bucket = rateBuckets.find((each) => each.name === "collections") ?? rateBuckets.find((each) => each.name === "other");
    const told = bucket && (await this.#budgets.list(name)).find(({ group }) => group === bucket.name);
    const limit = told?.limit === undefined ? bucket : { limit: told.limit, windowMs: told.windowMs };
    const pace = paceMs({
      backgroundRate: limit && backgroundRate(limit),
      feedEveryMs: eventFeed ? this.#feedEveryMs : undefined,
    });
    this.#known.set(name, { paceMs: pace, until: now + freshMs });
    return pace;
  }
}
