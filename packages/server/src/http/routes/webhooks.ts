import {
  createdWebhookSchema,
  deliverySchema,
  deliveryStatuses,
  deliveryWithBodySchema,
  pageSchema,
  webhookRequestSchema,
  webhookSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, deliveryRef, limit, webhookRef } from "./parameters.ts";

const tags = ["Webhooks"];

export function webhookRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/webhooks",
    { schema: { summary: "Webhooks, by name", tags, response: { 200: z.object({ items: z.array(webhookSchema) }) } } },
    async () => ({ items: await control.webhooks.list() }),
  );
  app.post(
    "/v1/webhooks",
    {
      schema: {
        summary: "Add a webhook",
        description:
          "Events are POSTed to its address, signed as Standard Webhooks has it; the answer shows the secret, once. Private, loopback and link-local addresses are refused unless the server's PROVOST_WEBHOOK_ALLOW has them.",
        tags,
        body: webhookRequestSchema,
        response: { 201: createdWebhookSchema },
      },
    },
    async (request, reply) => {
      const webhook = await control.webhooks.add(request.body);
      return reply
        .code(201)
        .header("location", `/v1/webhooks/${webhook.id}`)
        .header("cache-control", "no-store")
        .send(webhook);
    },
  );
  app.get(
    "/v1/webhooks/:ref",
    { schema: { summary: "One webhook", tags, params: webhookRef, response: { 200: webhookSchema } } },
    (request) => control.webhooks.get(request.params.ref),
  );
  app.delete(
    "/v1/webhooks/:ref",
    {
      schema: {
        summary: "Remove a webhook",
        description: "What is not delivered yet is given up.",
        tags,
        params: webhookRef,
        response: { 200: webhookSchema },
      },
    },
    (request) => control.webhooks.remove(request.params.ref),
  );
  app.post(
    "/v1/webhooks/:ref/test",
    {
      schema: {
        summary: "Send a test",
        description: "One attempt; the delivery shows what came of it.",
        tags,
        params: webhookRef,
        response: { 202: deliverySchema },
      },
    },
    async (request, reply) => reply.code(202).send(await control.webhooks.test(request.params.ref)),
  );
  deliveryRoutes(app, control);
}

function deliveryRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/webhooks/:ref/deliveries",
    {
      schema: {
        summary: "Deliveries of a webhook, newest first",
        tags,
        params: webhookRef,
        querystring: z.strictObject({ status: z.enum(deliveryStatuses).optional(), after, limit }),
        response: { 200: pageSchema(deliverySchema) },
      },
    },
    ({ params, query: { status, after: last, limit: count } }) =>
      control.webhooks.deliveries(params.ref, {
        limit: count,
        ...(status === undefined ? {} : { status }),
        ...(last === undefined ? {} : { after: last }),
      }),
  );
  app.get(
    "/v1/webhooks/:ref/deliveries/:id",
    {
      schema: {
        summary: "One delivery, with what it sends",
        tags,
        params: deliveryRef,
        response: { 200: deliveryWithBodySchema },
      },
    },
    ({ params }) => control.webhooks.delivery(params.ref, params.id),
  );
  app.post(
    "/v1/webhooks/:ref/deliveries/:id/redeliver",
    {
      schema: {
        summary: "Send a delivery again",
        description:
          "The same body under the same `webhook-id`, whether it was taken or not, with a new round of attempts.",
        tags,
        params: deliveryRef,
        response: { 202: deliverySchema },
      },
    },
    async ({ params }, reply) => reply.code(202).send(await control.webhooks.redeliver(params.ref, params.id)),
  );
}
