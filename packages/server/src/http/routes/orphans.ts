import {
  adoptOrphanSchema,
  adoptRequestSchema,
  instanceSchema,
  orphanPolicySchema,
  orphanSchema,
  pageSchema,
  providerSchema,
  sweepSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, instanceRef, limit, providerName } from "./parameters.ts";

const tags = ["Orphans and adoption"];
const orphanRef = z.object({ provider: z.string(), id: z.string().describe("Its id at the provider") });

/** Orphans, adoption, release, and how far the sweeps are (C10, C13). */
export function orphanRoutes(app: App, control: ControlSurface): void {
  reportRoutes(app, control);
  adoptionRoutes(app, control);
  app.get(
    "/v1/sweeps",
    {
      schema: {
        summary: "How far the sweep of each provider is",
        tags,
        response: { 200: z.object({ items: z.array(sweepSchema) }) },
      },
    },
    async () => ({ items: await control.orphans.sweeps() }),
  );
}

function reportRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/orphans",
    {
      schema: {
        summary: "Servers that carry this deployment's tag and are not known",
        tags,
        querystring: z.strictObject({ provider: z.string().optional().describe("Only this one's"), after, limit }),
        response: { 200: pageSchema(orphanSchema) },
      },
    },
    ({ query: { provider, after: last, limit: size } }) =>
      control.orphans.list({
        limit: size,
        ...(provider === undefined ? {} : { provider }),
        ...(last === undefined ? {} : { after: last }),
      }),
  );
  app.delete(
    "/v1/orphans/:provider/:id",
    {
      schema: {
        summary: "Destroy an orphan",
        description: "Answers at once; it leaves the list when the provider says that it is gone.",
        tags,
        params: orphanRef,
        response: { 202: orphanSchema },
      },
    },
    async ({ params }, reply) => reply.code(202).send(await control.orphans.destroy(params.provider, params.id)),
  );
  app.put(
    "/v1/providers/:name/orphan-policy",
    {
      schema: {
        summary: "Say what is done by itself with a provider's orphans",
        description: "`none`: nothing. `ours`: those that carry this very deployment's tag are destroyed after a day.",
        tags,
        params: providerName,
        body: orphanPolicySchema,
        response: { 200: providerSchema },
      },
    },
    async ({ params, body }) => {
      await control.orphans.setPolicy(params.name, body.policy);
      return control.providers.get(params.name);
    },
  );
}

function adoptionRoutes(app: App, control: ControlSurface): void {
  app.post(
    "/v1/instances/adopt",
    {
      schema: {
        summary: "Adopt a server that is there already",
        description: "One of anybody's making, an orphan, or the one of a failed instance, which is adopted back.",
        tags,
        body: adoptRequestSchema,
        response: { 201: instanceSchema },
      },
    },
    async ({ body }, reply) => {
      const instance = await control.adoption.adopt(body);
      return reply.code(201).header("location", `/v1/instances/${instance.id}`).send(instance);
    },
  );
  app.post(
    "/v1/orphans/:provider/:id/adopt",
    {
      schema: {
        summary: "Adopt an orphan",
        tags,
        params: orphanRef,
        body: adoptOrphanSchema,
        response: { 201: instanceSchema },
      },
    },
    async ({ params, body }, reply) => {
      const { provider, id: providerId } = params;
      const instance = await control.adoption.adopt({ provider, providerId, ...body });
      return reply.code(201).header("location", `/v1/instances/${instance.id}`).send(instance);
    },
  );
  app.post(
    "/v1/instances/:ref/release",
    {
      schema: {
        summary: "Release an instance: its server stays, and is not ours any more",
        tags,
        params: instanceRef,
        response: { 200: instanceSchema },
      },
    },
    ({ params }) => control.adoption.release(params.ref),
  );
}
