import type { Account } from "../accounts/account.ts";
import type { EventPage } from "../providers/event-feed.ts";
import { ProviderError } from "../providers/provider-error.ts";
import { feeding, over, type SweepParts, type RunEnd } from "./sweep-parts.ts";
import { endedStatuses, fleetDb } from "./tables.ts";
import { troubleOf } from "./trouble.ts";

/** Pages in one run: what is left is read at the next tick. */
const pagesMax = 20;

/**
 * Follows an account's feed (C10): what it tells of is written down to be looked at, in the transaction that moves the cursor, so
 * that no event is lost and none is read twice. What a gap has swallowed the sweep finds.
 */
export class FeedReader {
  readonly #parts: SweepParts;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  async run(account: Account, signal: AbortSignal): Promise<RunEnd> {
    const { store, timings, log } = this.#parts;
    for (let pages = 0; pages < pagesMax; pages += 1) {
      const before = await this.#place(account.name);
      const at = await store.now();
      let page: EventPage;
      try {
        page = await account.call(
          (provider, call) => provider.events(before?.cursor ?? undefined, call),
          signal,
          feeding,
        );
      } catch (error) {
        // A cursor that its driver does not know (another endpoint): from where the feed stands now, a sweep finds the rest.
        if (error instanceof ProviderError && error.code === "provider_rejected" && before?.cursor != null) {
          await this.#moved(account.name, before.version, null, [], at);
          continue;
        }
        const { afterMs, failed } = troubleOf(error, timings.unreachableRetryMs);
        if (failed && !signal.aborted) log.warn({ provider: account.name, err: error }, "the feed could not be read");
        return afterMs === undefined ? over : { end: "later", afterMs };
      }
      const ids = [...new Set(page.events.map(({ instanceId }) => instanceId))];
      const mine = await this.#moved(account.name, before?.version, page.cursor, ids, at);
      if (!mine || !page.more) break;
    }
    return over;
  }

  async #place(account: string) {
    return fleetDb(this.#parts.store)
      .selectFrom("control_feed")
      .select(["cursor", "version"])
      .where("account", "=", account)
      .executeTakeFirst();
  }

  /** False when another has read this page. */
  async #moved(
    account: string,
    version: number | undefined,
    cursor: string | null,
    ids: readonly string[],
    at: number,
  ): Promise<boolean> {
    return this.#parts.store.write(async (write) => {
      const db = fleetDb(write);
      const moved =
        version === undefined
          ? await db
              .insertInto("control_feed")
              .values({ account, cursor, version: 0, read_at: at })
              .onConflict((conflict) => conflict.doNothing())
              .returning("account")
              .executeTakeFirst()
          : await db
              .updateTable("control_feed")
              .set({ cursor, version: version + 1, read_at: at })
              .where("account", "=", account)
              .where("version", "=", version)
              .returning("account")
              .executeTakeFirst();
      if (moved === undefined) return false;
      if (ids.length === 0) return true;
      await db
        .insertInto("control_look")
        .columns(["account", "instance_id", "since"])
        .expression((eb) =>
          eb
            .selectFrom("control_instance")
            .select(["provider", "id", eb.cast<number>(eb.val(at), "bigint").as("since")])
            .where("provider", "=", account)
            .where("provider_id", "in", ids)
            // What a task has is looked at by its flow.
            .where("task", "is", null)
            .where("status", "not in", endedStatuses),
        )
        .onConflict((conflict) =>
          conflict.columns(["account", "instance_id"]).doUpdateSet((eb) => ({ since: eb.ref("excluded.since") })),
        )
        .execute();
      return true;
    });
  }
}
