import { z } from "zod";
import type { TrafficDatabase } from "../budget/tables.ts";
import type { Log, Timings } from "../options.ts";
import type { Store } from "../storage/store.ts";
import { braked, type Brake } from "./brake.ts";

/** An account on whose instances nothing is acted for now, as people are shown it. Instants in ms since 1970. */
export interface BrakeView extends Brake {
  account: string;
}

const brakeSchema = z.object({ since: z.number(), until: z.number() });
/** Instances in one statement. */
const batch = 1_000;
/** Of a whole fleet the stories of so many tell; the log tells of all. */
const toldMax = 500;
/** An account that has none; JSON. */
const none = "null";

/** C12 for whole accounts: who is about to act on instances that look unwell asks here first, on every host. */
export class Brakes {
  readonly #store: Store;
  readonly #holdMs: number;
  readonly #log: Log;

  constructor({ store, timings, log }: { store: Store; timings: Timings; log: Log }) {
    this.#store = store;
    this.#holdMs = timings.provisionMaxMs;
    this.#log = log;
  }

  /**
   * May these instances of one account be acted on (failed, called missing)? They are counted as unwell either way. False: leave them
   * as they are and ask again at the next look; the user is told when that begins.
   */
  async mayAct(account: string, instanceIds: readonly string[]): Promise<boolean> {
    if (instanceIds.length === 0) return true;
    const now = await this.#store.now();
    const seen = await this.#count(account, instanceIds, now);
    const verdict = await this.#store.write(async (write) => {
      const db = write.db.withTables<TrafficDatabase>();
      const row = await db
        .insertInto("control_brake")
        .values({ account, state: none, version: 0 })
        .onConflict((conflict) =>
          conflict.column("account").doUpdateSet((eb) => ({ version: eb("control_brake.version", "+", 1) })),
        )
        .returning("state")
        .executeTakeFirstOrThrow();
      const decided = braked(read(row.state), seen, now, this.#holdMs);
      const state = JSON.stringify(decided.brake ?? null);
      await db.updateTable("control_brake").set({ state }).where("account", "=", account).execute();
      return decided;
    });
    if (verdict.begun) await this.#tell(account, instanceIds, seen, now);
    return verdict.act;
  }

  /** Accounts on whose instances nothing is acted for now: of all, or of this one. */
  async list(account?: string): Promise<BrakeView[]> {
    const now = await this.#store.now();
    let select = this.#store.db.withTables<TrafficDatabase>().selectFrom("control_brake").selectAll();
    if (account !== undefined) select = select.where("account", "=", account);
    const rows = await select.execute();
    return rows.flatMap(({ account: name, state }) => {
      const brake = read(state);
      return brake === undefined || brake.until <= now ? [] : [{ account: name, ...brake }];
    });
  }

  /**
   * A person has looked: from now on instances of this account are acted on again, for as long as it is about the same ones.
   * False when no brake was on.
   */
  async release(account: string): Promise<boolean> {
    const now = await this.#store.now();
    return this.#store.write(async (write) => {
      const db = write.db.withTables<TrafficDatabase>();
      const row = await db
        .updateTable("control_brake")
        .set((eb) => ({ version: eb("version", "+", 1) }))
        .where("account", "=", account)
        .returning("state")
        .executeTakeFirst();
      const brake = row === undefined ? undefined : read(row.state);
      if (brake === undefined || brake.until <= now) return false;
      const state = JSON.stringify({ ...brake, until: now });
      await db.updateTable("control_brake").set({ state }).where("account", "=", account).execute();
      const target = { name: account };
      const before = { since: brake.since, until: brake.until };
      await write.audit({ at: now, action: "provider.resume", target, before, after: { until: now } });
      return true;
    });
  }

  /** Unwell within the time that a brake holds, of all there are. */
  async #count(account: string, ids: readonly string[], now: number): Promise<{ unwell: number; of: number }> {
    const db = this.#store.db.withTables<TrafficDatabase>();
    for (let from = 0; from < ids.length; from += batch) {
      await db
        .insertInto("control_unwell")
        .values(ids.slice(from, from + batch).map((id) => ({ account, instance_id: id, at: now })))
        .onConflict((conflict) => conflict.columns(["account", "instance_id"]).doUpdateSet({ at: now }))
        .execute();
    }
    await db
      .deleteFrom("control_unwell")
      .where("account", "=", account)
      .where("at", "<", now - this.#holdMs)
      .execute();
    const unwell = await db
      .selectFrom("control_unwell")
      .select((eb) => eb.fn.countAll<number | string>().as("count"))
      .where("account", "=", account)
      .executeTakeFirstOrThrow();
    // Those that were acted on before it began count in both.
    const all = await db
      .selectFrom("control_instance")
      .select((eb) => eb.fn.countAll<number | string>().as("count"))
      .where("provider", "=", account)
      .where((eb) =>
        eb.or([
          eb("archived_at", "is", null),
          eb("id", "in", eb.selectFrom("control_unwell").select("instance_id").where("account", "=", account)),
        ]),
      )
      .executeTakeFirstOrThrow();
    return { unwell: Number(unwell.count), of: Number(all.count) };
  }

  /** In the log, and in the stories of instances that are left as they are. */
  async #tell(
    account: string,
    ids: readonly string[],
    seen: { unwell: number; of: number },
    at: number,
  ): Promise<void> {
    const message =
      `${seen.unwell} of ${seen.of} instances on ${account} look unwell at once: nothing is done about it ` +
      `for ${Math.ceil(this.#holdMs / 60_000)} min. Check the provider's status and this server's network; ` +
      `if they are lost indeed, go on with \`provost provider resume ${account}\`.`;
    this.#log.error({ account, ...seen }, message);
    for (const id of ids.slice(0, toldMax)) {
      await this.#store.write(async (write) => {
        const row = await write.db
          .updateTable("control_instance")
          .set((eb) => ({ status: eb.ref("status") }))
          .where("id", "=", id)
          .returning("id")
          .executeTakeFirst();
        if (row !== undefined) await write.event({ instanceId: id, at, kind: "note", message });
      });
    }
  }
}

function read(state: string): Brake | undefined {
  return brakeSchema.nullable().parse(JSON.parse(state)) ?? undefined;
}
