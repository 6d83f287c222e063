import { defineJob, type JobContext, type JobDefinition } from "@provost/jobs";
import type { Selectable } from "kysely";
import { z } from "zod";
import { spread } from "../flows/step.ts";
import type { Log, Timings } from "../options.ts";
import type { Seal } from "../seal.ts";
import type { WebhookDeliveryTable, WebhookTable } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";
import type { Answer, Postman } from "./postman.ts";
import { signedHeaders } from "./signature.ts";

export interface DeliveryParts {
  store: Store;
  seal: Seal;
  postman: Postman;
  timings: Timings;
  log: Log;
}

const input = z.object({ delivery: z.string(), webhook: z.string() });
export type DeliveryInput = z.input<typeof input>;
type Context = JobContext<DeliveryInput>;

/** Deliveries have a queue of their own: receivers that are slow or dead must not hold up what provisions. */
export const deliveryQueue = "webhooks";
/** Attempts are counted in the delivery's row; these leave room for those that a lost lease or a wake costs. */
const jobAttempts = 200;

/** Makes a delivery that waits for its next attempt ready at once. */
export function deliveryWakeKey(id: string): string {
  return `webhook-delivery:${id}`;
}

export const orphanWords = "Its webhook was removed.";

/** Where a webhook's secret is sealed. */
export function secretPlace(webhookId: string): string {
  return `webhook:${webhookId}:secret`;
}

/** Given up: kept with the job as its failure. */
class DeliveryFailed extends Error {
  override readonly name = "DeliveryFailed";
  readonly code = "delivery_failed";
}

/**
 * Sends one delivery, and again after growing pauses until it is taken or its attempts are used up. At least once: an
 * attempt that is cut off before its outcome is written is made again, under the same `webhook-id`.
 */
export function deliveryJob(parts: DeliveryParts): JobDefinition<DeliveryInput> {
  return defineJob("webhook.deliver", {
    input,
    queue: deliveryQueue,
    attempts: jobAttempts,
    timeout: parts.timings.webhookTimeoutMs + 20_000,
    limitKey: ({ webhook }) => webhook,
    run: async (context: Context) => {
      const { delivery: id } = context.input;
      const found = await read(parts.store, id);
      if (found === undefined) return undefined;
      const { row, webhook } = found;
      const answer = await attempt(parts, row, webhook, context.signal);
      const end = await settle(parts, row, answer, webhook === undefined);
      if (end.status === "pending") return context.release({ after: end.afterMs, wake: deliveryWakeKey(id) });
      if (end.status === "delivered") return undefined;
      parts.log.warn(
        { webhook: webhook?.name, delivery: id, event: row.event, answer: answer.status },
        "a webhook was not taken",
      );
      return context.fail(new DeliveryFailed(`given up after ${row.attempts + 1} attempts: ${answer.text}`));
    },
  });
}

async function attempt(
  { seal, postman, store }: DeliveryParts,
  row: Selectable<WebhookDeliveryTable>,
  webhook: Selectable<WebhookTable> | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  if (webhook === undefined) return { taken: false, text: orphanWords };
  const secret = seal.open(webhook.secret, secretPlace(webhook.id));
  const headers = signedHeaders(secret, row.id, await store.now(), row.body);
  return postman.deliver(new URL(webhook.url), headers, row.body, signal);
}

type End = { status: "delivered" | "failed" } | { status: "pending"; afterMs: number };

async function settle(
  { store, timings }: DeliveryParts,
  row: Selectable<WebhookDeliveryTable>,
  answer: Answer,
  isOrphan: boolean,
): Promise<End> {
  const now = await store.now();
  const attempts = row.attempts + 1;
  const isLast = isOrphan || attempts >= row.attempts_max;
  const pauses = timings.webhookRetriesMs;
  // Counted back from the end, since a redelivery begins a round of its own.
  const afterMs = spread(pauses[pauses.length + 1 - (row.attempts_max - row.attempts)] ?? 0);
  const status = answer.taken ? "delivered" : isLast ? "failed" : "pending";
  await store.db
    .updateTable("control_webhook_delivery")
    .set({
      status,
      attempts,
      last_attempt_at: now,
      next_attempt_at: status === "pending" ? now + afterMs : null,
      answer_status: answer.status ?? null,
      answer: answer.text,
    })
    .where("id", "=", row.id)
    .where("status", "=", "pending")
    .execute();
  return status === "pending" ? { status, afterMs } : { status };
}

/** Undefined when there is nothing to send: done already, or pruned. */
async function read(
  { db }: Store,
  id: string,
): Promise<{ row: Selectable<WebhookDeliveryTable>; webhook: Selectable<WebhookTable> | undefined } | undefined> {
  const row = await db.selectFrom("control_webhook_delivery").selectAll().where("id", "=", id).executeTakeFirst();
  if (row?.status !== "pending") return undefined;
  const webhook = await db
    .selectFrom("control_webhook")
    .selectAll()
    .where("id", "=", row.webhook_id)
    .executeTakeFirst();
  return { row, webhook };
}
