import { createdTokenSchema, pageSchema, tokenRequestSchema, tokenSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { App } from "../zod-routes.ts";
import { after, limit, tokenRef } from "./parameters.ts";
import { z } from "zod";

export function tokenRoutes(app: App, control: ControlSurface): void {
  const tags = ["Tokens"];
  app.get(
    "/v1/tokens",
    {
      schema: {
        summary: "Tokens, newest first",
        description: "Revoked and expired ones too. No token is ever shown again.",
        tags,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(tokenSchema) },
      },
    },
    ({ query }) => {
      const { after: last, ...rest } = query;
      return control.tokens.list(last === undefined ? rest : { ...rest, after: last });
    },
  );
  app.post(
    "/v1/tokens",
    {
      schema: {
        summary: "Make a token",
        description: "The answer shows it, once: only its hash is kept.",
        tags,
        body: tokenRequestSchema,
        response: { 201: createdTokenSchema },
      },
    },
    async (request, reply) => {
      const token = await control.tokens.create(request.body);
      return reply.code(201).header("cache-control", "no-store").send(token);
    },
  );
  app.delete(
    "/v1/tokens/:ref",
    {
      schema: {
        summary: "Revoke a token",
        description: "It opens nothing from this moment on; its record stays.",
        tags,
        params: tokenRef,
        response: { 200: tokenSchema },
      },
    },
    (request) => control.tokens.revoke(request.params.ref),
  );
}
