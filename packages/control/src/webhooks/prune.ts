import type { Store } from "../storage/store.ts";

/** Deliveries that one statement takes away (L14). */
const pruneRows = 2_000;

/** Takes deliveries away that are older than this; in steps, so that nobody waits for it. */
export async function pruneDeliveries({ db }: Store, olderThan: number, signal: AbortSignal): Promise<void> {
  for (let removed = pruneRows; removed === pruneRows && !signal.aborted;) {
    const old = db
      .selectFrom("control_webhook_delivery")
      .select("id")
      .where("created_at", "<", olderThan)
      .limit(pruneRows);
    const result = await db.deleteFrom("control_webhook_delivery").where("id", "in", old).executeTakeFirst();
    removed = Number(result.numDeletedRows);
  }
}
