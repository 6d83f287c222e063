import { sql } from "kysely";
import type { Account } from "../accounts/account.ts";
import type { KnownInstance } from "./drift.ts";
import { over, type SweepParts, type RunEnd } from "./sweep-parts.ts";
import { lookAt, type Look } from "./look-at.ts";
import { known, lockReadings, selectKnown, stillNew, writeReadings } from "./observations.ts";
import { reprice } from "./prices.ts";
import { fleetDb } from "./tables.ts";
import { troubleOf } from "./trouble.ts";

/** Looks whose outcome is written together. */
const batch = 32;
/** Batches in one run: what is left goes to the next. */
const batchesMax = 20;

/**
 * Looks at the instances that events have told of (C10): one look for any number of events, and none where a sweep has read
 * the instance since. When many change at once the sweep is the quicker reader, and takes most of the work away.
 */
export class Looker {
  readonly #parts: SweepParts;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  /** Is there anything to look at? */
  async waiting(account: string): Promise<boolean> {
    const row = await fleetDb(this.#parts.store)
      .selectFrom("control_look")
      .select("instance_id")
      .where("account", "=", account)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async run(account: Account, signal: AbortSignal): Promise<RunEnd> {
    const { timings } = this.#parts;
    for (let batches = 0; batches < batchesMax; batches += 1) {
      await this.#dropRead(account.name);
      const wanted = await this.#next(account.name);
      if (wanted.length === 0) return over;
      const { looks, error } = await lookAt(this.#parts.store, account, wanted, signal);
      await this.#written(account, looks);
      if (error !== undefined) {
        const { afterMs } = troubleOf(error, timings.unreachableRetryMs);
        return afterMs === undefined ? over : { end: "later", afterMs };
      }
    }
    return { end: "later", afterMs: 1 };
  }

  async #next(account: string): Promise<KnownInstance[]> {
    const rows = await selectKnown(fleetDb(this.#parts.store), account)
      .innerJoin("control_look", "control_look.instance_id", "control_instance.id")
      .where("control_look.account", "=", account)
      .orderBy("control_look.since")
      .limit(batch)
      .execute();
    return rows.map(known);
  }

  /** What a sweep or another look has read since, and what is no row any more. */
  async #dropRead(account: string): Promise<void> {
    await sql`
      delete from control_look where account = ${account} and (
        not exists (select 1 from control_instance i where i.id = control_look.instance_id)
        or since <= (select coalesce(i.observed_at, 0) from control_instance i where i.id = control_look.instance_id)
        or since <= (
          select p.read_at from control_sweep_page p, control_instance i
          where i.id = control_look.instance_id and p.account = ${account} and p.upto_key >= i.provider_key
          order by p.upto_key limit 1))`.execute(fleetDb(this.#parts.store));
  }

  /** A deleted one is told by the sweep: absence needs both (C10). */
  async #written(account: Account, looks: readonly Look[]): Promise<void> {
    const { store } = this.#parts;
    if (looks.length === 0) return;
    const retyped = await store.write(async (write) => {
      await lockReadings(write, account.name);
      const changed = await writeReadings(write, "look", await stillNew(write, account.name, looks));
      for (const { row, at } of looks) {
        await fleetDb(write)
          .deleteFrom("control_look")
          .where("account", "=", account.name)
          .where("instance_id", "=", row.id)
          .where("since", "<=", at)
          .execute();
      }
      return changed;
    });
    if (retyped.length > 0) await reprice(this.#parts, account, retyped);
  }
}
