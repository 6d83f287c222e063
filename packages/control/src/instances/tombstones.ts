import type { Instance } from "@provost/contract";
import { instanceView, iso, type InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import { fleetDb } from "../sweeps/tables.ts";

const monthMs = (365.25 / 12) * 24 * 60 * 60_000;
/** Told in one transaction. */
const batch = 100;

/** What a plan has cost over a while, in whole cents. */
export function costUsd(monthlyUsd: number, ms: number): number {
  return Math.round((monthlyUsd * Math.max(ms, 0) * 100) / monthMs) / 100;
}

/** As people see it; a failed one with what its server has cost since and by when to decide (C8). */
export function viewAt(row: InstanceRow, now: number, keptMs: number): Instance {
  const view = instanceView(row);
  if (row.status !== "failed" || row.provider_id === null || row.archived_at === null) return view;
  const cost = row.monthly_usd === null ? {} : { costUsd: costUsd(row.monthly_usd, now - row.archived_at) };
  return { ...view, tombstone: { ...cost, expiresAt: iso(row.archived_at + keptMs) } };
}

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
        .returning(["id", "archived_at", "monthly_usd", "provider_id"])
        .execute();
      await write.events(
        rows.map((row) => {
          const cost =
            row.monthly_usd === null ? "" : `, $${costUsd(row.monthly_usd, now - Number(row.archived_at))} since`;
          const message = `Its server ${row.provider_id ?? ""} still stands and is billed${cost}: destroy it, release it or adopt it back`;
          return { instanceId: row.id, at: now, kind: "expired", message };
        }),
      );
      return due.length;
    });
    if (told < batch) return;
  }
}
