import { webhookSchema, type Delivery, type WebhookView } from "@provost/contract";
import type { Selectable } from "kysely";
import { instant, iso } from "../storage/rows.ts";
import type { WebhookDeliveryTable, WebhookTable } from "../storage/schema.ts";

/** A row as the API shows it: never its secret. */
export function webhookView(row: Selectable<WebhookTable>): WebhookView {
  return {
    id: row.id,
    name: row.name,
    url: row.url,
    events: webhookSchema.shape.events.parse(JSON.parse(row.events)),
    createdAt: iso(Number(row.created_at)),
    ...(row.created_by === null ? {} : { createdBy: row.created_by }),
  };
}

export function deliveryView(row: Selectable<WebhookDeliveryTable>): Delivery {
  const [lastAttemptAt, nextAttemptAt] = [row.last_attempt_at, row.next_attempt_at].map(instant);
  return {
    id: row.id,
    event: row.event,
    ...(row.instance_id === null ? {} : { instanceId: row.instance_id }),
    status: row.status,
    attempts: row.attempts,
    createdAt: iso(Number(row.created_at)),
    ...(lastAttemptAt == null ? {} : { lastAttemptAt: iso(lastAttemptAt) }),
    ...(nextAttemptAt == null ? {} : { nextAttemptAt: iso(nextAttemptAt) }),
    ...(row.answer === null
      ? {}
      : { answer: { ...(row.answer_status === null ? {} : { status: row.answer_status }), text: row.answer } }),
  };
}
