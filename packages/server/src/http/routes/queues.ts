import { pageSchema, queueChangeSchema, queueSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { limit, queueName } from "./parameters.ts";

const tags = ["Queues"];
const after = z.string().max(255).optional().describe("`next` of the page before");

/** Queues: how full they are, and what holds them back. */
export function queueRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/queues",
    {
      schema: {
        summary: "Queues, by name",
        tags,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(queueSchema) },
      },
    },
    ({ query }) => control.queues.list(query),
  );
  app.get(
    "/v1/queues/:name",
    { schema: { summary: "One queue", tags, params: queueName, response: { 200: queueSchema } } },
    ({ params }) => control.queues.get(params.name),
  );
  app.patch(
    "/v1/queues/:name",
    {
      schema: {
        summary: "Set a queue's limits",
        description:
          "What is left out stays as it is; null takes a limit away. They hold for every process on every host.",
        tags,
        params: queueName,
        body: queueChangeSchema,
        response: { 200: queueSchema },
      },
    },
    ({ params, body }) => control.queues.setLimits(params.name, body),
  );
  app.post(
    "/v1/queues/:name/pause",
    {
      schema: {
        summary: "Start no more jobs of a queue",
        description: "What runs is left to run; what is directed to run now still does.",
        tags,
        params: queueName,
        response: { 200: queueSchema },
      },
    },
    ({ params }) => control.queues.pause(params.name),
  );
  app.post(
    "/v1/queues/:name/resume",
    {
      schema: { summary: "Start a paused queue's jobs again", tags, params: queueName, response: { 200: queueSchema } },
    },
    ({ params }) => control.queues.resume(params.name),
  );
}
