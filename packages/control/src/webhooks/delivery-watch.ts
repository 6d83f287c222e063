import type { JobManager } from "@provost/jobs";
import type { Log, Timings } from "../options.ts";
import type { Store } from "../storage/store.ts";
import { deliveryWakeKey } from "./delivery-job.ts";
import type { Telling } from "./telling.ts";

interface DeliveryWatchParts {
  store: Store;
  manager: Pick<JobManager, "byKey">;
  telling: Pick<Telling, "send">;
  timings: Timings;
  log: Log;
}

/** Deliveries in one pass: behind a receiver that is down many are overdue, and have their jobs. */
const passRows = 100;

interface Due {
  id: string;
  webhook_id: string;
  next_attempt_at: number | string | null;
}

/**
 * C7 for webhooks: a delivery that is overdue and has no job gets one. Every server looks; the compare-and-set on the row decides
 * who gives it. Passes go on where the last one ended, so that all are looked at in turn.
 */
export class DeliveryWatch {
  readonly #parts: DeliveryWatchParts;
  #after = { at: 0, id: "" };

  constructor(parts: DeliveryWatchParts) {
    this.#parts = parts;
  }

  async pass(now: number): Promise<void> {
    const { store, timings } = this.#parts;
    const overdueBefore = now - timings.orphanGraceMs - timings.webhookTimeoutMs;
    const { at, id: lastId } = this.#after;
    const rows = await store.db
      .selectFrom("control_webhook_delivery")
      .select(["id", "webhook_id", "next_attempt_at"])
      .where("status", "=", "pending")
      .where("next_attempt_at", "<", overdueBefore)
      .where((eb) => eb.or([eb("next_attempt_at", ">", at), eb("next_attempt_at", "=", at).and("id", ">", lastId)]))
      .orderBy("next_attempt_at")
      .orderBy("id")
      .limit(passRows)
      .execute();
    for (const row of rows) await this.#look(row, now);
    const last = rows.at(-1);
    const isEnd = last === undefined || rows.length < passRows;
    this.#after = isEnd ? { at: 0, id: "" } : { at: Number(last.next_attempt_at), id: last.id };
  }

  async #look({ id, webhook_id: webhook, next_attempt_at: due }: Due, now: number): Promise<void> {
    const { store, manager, telling, log } = this.#parts;
    if ((await manager.byKey(deliveryWakeKey(id))).length > 0) return;
    await store.write(async (write) => {
      const taken = await write.db
        .updateTable("control_webhook_delivery")
        .set({ next_attempt_at: now })
        .where("id", "=", id)
        .where("status", "=", "pending")
        .where("next_attempt_at", "=", due)
        .returning("id")
        .executeTakeFirst();
      if (taken === undefined) return;
      await telling.send(write, id, webhook);
      log.warn({ delivery: id }, "the job of a webhook delivery was lost: it gets another");
    });
  }
}
