import { z } from "zod";
import { instanceEventSchema, instanceSchema } from "./schemas.ts";
import { deliverySchema } from "./webhooks.ts";
import { fleetSchema } from "./fleets.ts";
import { imageSchema } from "./images.ts";
import { orphanSchema } from "./orphans.ts";

/**
 * `GET /v1/stream`: all that changes, on one connection (server-sent events). Each message has a name and carries an array:
 *
 * - `instance`: events of all instances. They are continued: `id` is a mark, and whoever comes back with it as `Last-Event-ID`
 *   (or `?after=`) is told everything since. An event may come twice then, never not at all: tell repetitions by `seq`.
 * - `fleet`, `orphan`, `provider`, `image`, `delivery`: things as they stand now, when that differs from what was sent before. These are
 *   not continued: read them again after each `ready`.
 * - `ready`: the first message of every connection.
 * - `reset`: too much has happened since the mark, or it is of another store, or the client was too slow: load everything anew. The stream
 *   goes on from here.
 */
export const streamTopics = ["instance", "fleet", "orphan", "provider", "image", "delivery"] as const;
export type StreamTopic = (typeof streamTopics)[number];

/** One event of an instance, with the instance as it stands when this is sent, which may be later than the event. */
export const instanceChangeSchema = instanceEventSchema
  .pick({ seq: true, instanceId: true, kind: true, at: true, message: true, taskId: true })
  .extend(
    instanceSchema.pick({
      name: true,
      status: true,
      stage: true,
      desired: true,
      type: true,
      ipv4: true,
      ipv6: true,
      task: true,
      protected: true,
      tags: true,
      builderOf: true,
      archivedAt: true,
    }).shape,
  );
export type InstanceChange = z.infer<typeof instanceChangeSchema>;

/** What is gone is told by its key and `gone`. */
const gone = { gone: z.literal(true).optional().describe("It is not there any more") };

export const orphanChangeSchema = orphanSchema
  .pick({ provider: true, providerId: true, name: true, destroying: true })
  .extend(gone);
export type OrphanChange = z.infer<typeof orphanChangeSchema>;

export const imageChangeSchema = imageSchema.pick({ id: true, name: true, status: true, step: true }).extend(gone);
export type ImageChange = z.infer<typeof imageChangeSchema>;

export const providerChangeSchema = z.object({
  name: z.string(),
  circuits: z.array(z.object({ region: z.string(), state: z.enum(["failing", "open", "half-open"]) })),
  braked: z.boolean(),
  ...gone,
});
export type ProviderChange = z.infer<typeof providerChangeSchema>;

/** Told to admins alone. Of the newest 200. */
export const deliveryChangeSchema = deliverySchema
  .pick({ id: true, event: true, status: true, attempts: true, instanceId: true })
  .extend({ webhookId: z.string(), ...gone });
export type DeliveryChange = z.infer<typeof deliveryChangeSchema>;

export const fleetChangeSchema = fleetSchema;

/** Of `ready` and `reset`. */
export const streamMarkSchema = z.object({
  mark: z.number().int().describe("Where the `instance` events stand"),
  resumed: z.boolean().describe("What came since the mark that was asked for follows"),
});
export type StreamMark = z.infer<typeof streamMarkSchema>;
