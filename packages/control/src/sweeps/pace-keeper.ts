import type { Account } from "../accounts/account.ts";
import type { Budgets } from "../budget/budgets.ts";
import { backgroundRate } from "../budget/window.ts";

/** A limit that has changed is heeded after this. */
const freshMs = 10_000;

/**
 * How far apart the pages of an account's list are read: a little faster than the budget lets sweeps go on (C11), which is what
 * holds them then, so that they neither come in a burst nor lose a call. By what the provider has told of its limit, or else documents.
 */
export class PaceKeeper {
  readonly #budgets: Budgets;
  readonly #known = new Map<string, { paceMs: number; until: number }>();

  constructor(budgets: Budgets) {
    this.#budgets = budgets;
  }

  /** In ms; 0 where no limit is known. */
  async paceMs({ name, capabilities: { rateBuckets } }: Account): Promise<number> {
    const now = performance.now();
    const known = this.#known.get(name);
    if (known !== undefined && known.until > now) return known.paceMs;
    const named = (word: string) => rateBuckets.find((each) => each.name === word);
    const bucket = named("collections") ?? named("other");
    const told = bucket && (await this.#budgets.list(name)).find(({ group }) => group === bucket.name);
    const limit = told?.limit === undefined ? bucket : { limit: told.limit, windowMs: told.windowMs };
    const paceMs = limit === undefined ? 0 : 1 / backgroundRate(limit);
    this.#known.set(name, { paceMs, until: now + freshMs });
    return paceMs;
  }
}
