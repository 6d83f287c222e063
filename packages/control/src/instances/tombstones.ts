import type { Store } from "../storage/store.ts";
import { fleetDb } from "../sweeps/tables.ts";
import { costOf } from "./cost.ts";

/** Told in one transaction. */
const batch = 100;

/** C8: no server is billed and forgotten: of a failed one that still stands after its time the user is told again, once. */
export async function tellExpired(store: Store, failedBefore: number, signal: AbortSignal): Promise<void> {
  const now = await store.now();
  while (!signal.aborted) {
    const told = await store.write(async (write) => {
      const due = await fleetDb(write)
        .selectFrom("control_instance")
        .select("id")
        .where("failure", "is not", null)
        .where("status", "<>", "destroyed")
        .where("status", "=", "failed")
        .where("provider_id", "is not", null)
        .where("expiry_told_at", "is", null)
        .where("archived_at", "<", failedBefore)
        .limit(batch)
        .execute();
      if (due.length === 0) return 0;
      const rows = await fleetDb(write)
        .updateTable("control_instance")
        .set({ expiry_told_at: now })
        .where(
          "id",
          "in",
          due.map(({ id }) => id),
        )
        .where("expiry_told_at", "is", null)
        .returning(["id", "accepted_at", "archived_at", "monthly_usd", "hourly_usd", "provider_id"])
        .execute();
      await write.events(
        rows.map((row) => {
          const price = costOf(row, now - Number(row.accepted_at ?? row.archived_at));
          const cost = price === undefined ? "" : `, $${price} by now`;
          const message = `Its server ${row.provider_id ?? ""} still stands and is billed${cost}: destroy it, release it or adopt it back`;
          return { instanceId: row.id, at: now, kind: "expired", message };
        }),
      );
      return due.length;
    });
    if (told < batch) return;
  }
}
