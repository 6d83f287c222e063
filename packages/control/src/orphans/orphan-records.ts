import type { Selectable } from "kysely";
import type { Store, Write } from "../storage/store.ts";
import { fleetDb, type OrphanTable } from "../sweeps/tables.ts";

/** Joins the transaction that enqueues its job: it is to be destroyed, and the audit log says in whose name. False: it is already. */
export async function destroyOrphan(write: Write, row: Selectable<OrphanTable>, now: number): Promise<boolean> {
  const taken = await fleetDb(write)
    .updateTable("control_orphan")
    .set({ destroying_at: now })
    .where("account", "=", row.account)
    .where("provider_id", "=", row.provider_id)
    .where("destroying_at", "is", null)
    .returning("provider_id")
    .executeTakeFirst();
  if (taken === undefined) return false;
  await write.audit({
    at: now,
    action: "orphan.destroy",
    target: { id: row.provider_id, name: row.name },
    before: { provider: row.account, status: row.status_text, type: row.type, region: row.region },
  });
  return true;
}

export async function readOrphan(
  store: Store,
  account: string,
  providerId: string,
): Promise<Selectable<OrphanTable> | undefined> {
  return fleetDb(store)
    .selectFrom("control_orphan")
    .selectAll()
    .where("account", "=", account)
    .where("provider_id", "=", providerId)
    .executeTakeFirst();
}

export async function forgetOrphan(of: Store | Write, account: string, providerId: string): Promise<void> {
  await fleetDb(of)
    .deleteFrom("control_orphan")
    .where("account", "=", account)
    .where("provider_id", "=", providerId)
    .execute();
}
