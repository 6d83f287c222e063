import { z } from "zod";
import { instanceEventSchema } from "./schemas.ts";

const instanceKinds = instanceEventSchema.shape.kind.exclude(["baking", "baked"]);

/**
 * What a webhook can be told: each kind of an instance's events, under the name `instance.<kind>`, and how a bake ended. The
 * instance that an image is made on is no user's: of it nothing is told.
 */
export const webhookEvents = [
  ...instanceKinds.options.map((kind) => `instance.${kind}` as const),
  "image.available",
  "image.failed",
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];
/** Told unless others are named: how a deploy, a destroy or another task ended, and what is gone without us or left standing. */
export const usualEvents = [
  "instance.provisioned",
  "instance.failed",
  "instance.destroyed",
  "instance.task_failed",
  "instance.missing",
  "instance.expired",
] as const;

export const webhookSchema = z.object({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  createdAt: z.string(),
  createdBy: z.string().optional().describe("Name of the token that made it"),
});
export type WebhookView = z.infer<typeof webhookSchema>;

export const createdWebhookSchema = webhookSchema.extend({
  secret: z.string().describe("Signs every delivery (Standard Webhooks); shown this once"),
});
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

export const webhookRequestSchema = z.strictObject({
  name: z.string(),
  url: z.string().max(2_000).describe("https, without user, password or fragment"),
  events: z
    .array(z.enum(webhookEvents))
    .min(1)
    .default([...usualEvents]),
});
export type WebhookRequest = z.input<typeof webhookRequestSchema>;

/** `pending`: to be sent, or sent again; `delivered`: answered 2xx; `failed`: given up. */
export const deliveryStatuses = ["pending", "delivered", "failed"] as const;

export const deliverySchema = z.object({
  id: z.string().describe("The `webhook-id` of every attempt: receivers tell repetitions by it"),
  event: z.string().describe("instance.failed, …, or webhook.test"),
  instanceId: z.string().optional().describe("Of an image's events: its builder"),
  status: z.enum(deliveryStatuses),
  attempts: z.number().int(),
  createdAt: z.string(),
  lastAttemptAt: z.string().optional(),
  nextAttemptAt: z.string().optional(),
  answer: z
    .object({
      status: z.number().int().optional().describe("HTTP status; absent where there was no answer"),
      text: z.string().describe("Its first characters, or why there was none"),
    })
    .optional()
    .describe("Of the last attempt"),
});
export type Delivery = z.infer<typeof deliverySchema>;

export const deliveryWithBodySchema = deliverySchema.extend({ body: z.string().describe("As it is sent") });
export type DeliveryWithBody = z.infer<typeof deliveryWithBodySchema>;
