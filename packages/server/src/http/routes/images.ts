import { bakeRequestSchema, imageSchema, pageSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, flag, idempotencyKey, imageRef, idempotencyHeaders, limit } from "./parameters.ts";

const tags = ["Images"];

/** Images that Provost makes (C2). */
export function imageRoutes(app: App, control: ControlSurface): void {
  listAndBake(app, control);
  app.get(
    "/v1/images/:ref",
    { schema: { summary: "One image", tags, params: imageRef, response: { 200: imageSchema } } },
    (request) => control.images.get(request.params.ref),
  );
  app.delete(
    "/v1/images/:ref",
    {
      schema: {
        summary: "Delete an image",
        description:
          "At the provider too; instances made from it stay. A bake under way is ended, and its builder destroyed.",
        tags,
        params: imageRef,
        response: { 200: imageSchema },
      },
    },
    (request) => control.images.remove(request.params.ref),
  );
  app.post(
    "/v1/images/:ref/default",
    {
      schema: {
        summary: "Make an image its provider's default",
        description: "A deploy there that names no image takes it from now on.",
        tags,
        params: imageRef,
        response: { 200: imageSchema },
      },
    },
    (request) => control.images.makeDefault(request.params.ref),
  );
}

function listAndBake(app: App, control: ControlSurface): void {
  app.get(
    "/v1/images",
    {
      schema: {
        summary: "Images that Provost has made, newest first",
        description: "Those of the provider itself are in its catalog.",
        tags,
        querystring: z.strictObject({ all: flag.describe("Deleted ones too"), after, limit }),
        response: { 200: pageSchema(imageSchema) },
      },
    },
    ({ query: { after: last, ...query } }) =>
      control.images.list(last === undefined ? query : { ...query, after: last }),
  );
  app.post(
    "/v1/images",
    {
      schema: {
        summary: "Bake an image",
        description:
          "Builder instance, script, clean-up, power off, snapshot; then the builder is destroyed, whatever came of it. Answers as soon as the intent is stored: the builder's events (`builderId`) tell how it goes, and `status` is `available` or `failed` in the end. With an `Idempotency-Key` the same request gives the same image.",
        tags,
        headers: idempotencyHeaders,
        body: bakeRequestSchema,
        response: { 202: imageSchema },
      },
    },
    async (request, reply) => {
      const image = await control.images.bake(request.body, idempotencyKey(request.headers));
      return reply.code(202).header("location", `/v1/images/${image.id}`).send(image);
    },
  );
}
