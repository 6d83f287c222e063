import type { Account } from "../accounts/account.ts";
import { iso } from "../storage/rows.ts";
import type { Write } from "../storage/store.ts";
import type { KnownInstance } from "./drift.ts";
import { over, type SweepParts, type RunEnd } from "./sweep-parts.ts";
import { lookAt } from "./look-at.ts";
import { known, lockReadings, selectKnown, stillNew, writeReadings } from "./observations.ts";
import { fleetDb } from "./tables.ts";
import { troubleOf } from "./trouble.ts";

/** Looks by id in one round, and instances called missing in one transaction. */
const batch = 100;
/** Then the slot is another's turn. */
const sliceMs = 20_000;
/** Those that cannot be looked for by then wait for the next sweep, in ms. */
const confirmMaxMs = 60_000;

/**
 * What a complete sweep did not show is looked for by its id, and only what is not there either is `missing` (C10). All of them
 * together are first shown to the brake (C12): a list that has lost half the fleet is the provider's trouble.
 */
export class Confirmer {
  readonly #parts: SweepParts;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  async run(account: Account, sweep: number, signal: AbortSignal): Promise<RunEnd> {
    const { book, store, timings } = this.#parts;
    const until = performance.now() + sliceMs;
    if (!(await this.#worthLooking(account.name, sweep))) {
      await book.over(account.name, sweep);
      return over;
    }
    for (;;) {
      if (performance.now() > until) return { end: "later", afterMs: 1 };
      const rows = await this.#unconfirmed(account.name, sweep);
      if (rows.length === 0) break;
      const at = await store.now();
      try {
        await this.#look(account, sweep, rows, signal);
      } catch (error) {
        const { afterMs } = troubleOf(error, timings.unreachableRetryMs);
        const { complete_ended_at: ended } = (await book.read(account.name)) ?? { complete_ended_at: null };
        if (afterMs !== undefined && at - Number(ended ?? at) < confirmMaxMs) return { end: "later", afterMs };
        await book.over(account.name, sweep);
        return over;
      }
    }
    await this.#decide(account.name, sweep);
    await book.over(account.name, sweep);
    return over;
  }

  /** So many at once that the brake holds are not even looked for: that would take the whole budget for nothing (C11, C12). */
  async #worthLooking(account: string, sweep: number): Promise<boolean> {
    const rows = await fleetDb(this.#parts.store)
      .selectFrom("control_instance")
      .select("id")
      .where("provider", "=", account)
      .where("absent_sweep", "=", sweep)
      .where("task", "is", null)
      .execute();
    const ids = rows.map(({ id }) => id);
    return ids.length <= batch || this.#parts.brakes.mayAct(account, ids);
  }

  async #unconfirmed(account: string, sweep: number): Promise<KnownInstance[]> {
    const rows = await selectKnown(fleetDb(this.#parts.store), account)
      .where("absent_sweep", "=", sweep)
      .where((eb) => eb.or([eb("gone_sweep", "is", null), eb("gone_sweep", "<>", sweep)]))
      .where("task", "is", null)
      .orderBy("id")
      .limit(batch)
      .execute();
    return rows.map(known);
  }

  async #look(account: Account, sweep: number, rows: KnownInstance[], signal: AbortSignal): Promise<void> {
    const { looks, error } = await lookAt(this.#parts.store, account, rows, signal);
    const there = looks.filter(({ seen }) => seen !== undefined).map(({ row }) => row.id);
    const gone = looks.filter(({ seen }) => seen === undefined).map(({ row }) => row.id);
    await this.#parts.store.write(async (write) => {
      await lockReadings(write, account.name);
      await writeReadings(write, "look", await stillNew(write, account.name, looks));
      const db = fleetDb(write);
      // Also where a newer reading was there already.
      if (there.length > 0) {
        await db.updateTable("control_instance").set({ absent_sweep: null }).where("id", "in", there).execute();
      }
      if (gone.length > 0) {
        await db.updateTable("control_instance").set({ gone_sweep: sweep }).where("id", "in", gone).execute();
      }
    });
    if (error !== undefined) throw error;
  }

  async #decide(account: string, sweep: number): Promise<void> {
    const { store, brakes, log } = this.#parts;
    const rows = await selectKnown(fleetDb(store), account)
      .where("absent_sweep", "=", sweep)
      .where("gone_sweep", "=", sweep)
      .where("task", "is", null)
      .orderBy("id")
      .execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0 || !(await brakes.mayAct(account, ids))) return;
    const now = await store.now();
    for (let from = 0; from < rows.length; from += batch) {
      const some = rows.slice(from, from + batch).map(known);
      await store.write((write) => missing(write, some, sweep, now));
    }
    log.warn({ provider: account, instances: ids.length }, "instances are gone at the provider, without us");
  }
}

/** Told once. What had failed and was kept to be looked at (C8) is at its end: nothing is billed any more. */
async function missing(write: Write, rows: readonly KnownInstance[], sweep: number, now: number): Promise<void> {
  for (const status of ["missing", "destroyed"] as const) {
    const wanted = rows.filter((row) => (row.archived_at === null) === (status === "missing"));
    if (wanted.length === 0) continue;
    const changed = await fleetDb(write)
      .updateTable("control_instance")
      .set({ status, absent_sweep: null, gone_sweep: null })
      .where(
        "id",
        "in",
        wanted.map(({ id }) => id),
      )
      .where("gone_sweep", "=", sweep)
      .where("task", "is", null)
      .returning(["id", "provider_id", "observed_at"])
      .execute();
    await write.events(
      changed.map(({ id, provider_id: providerId, observed_at: seenAt }) => ({
        instanceId: id,
        at: now,
        kind: status,
        message: `Gone at the provider without us: neither its list nor a look shows ${providerId ?? ""}${lastSeen(Number(seenAt))}`,
      })),
    );
  }
}

function lastSeen(at: number): string {
  return at > 0 ? `; its last change was seen ${iso(at)}` : "";
}
