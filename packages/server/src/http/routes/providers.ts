import {
  catalogSchema,
  driverSchema,
  providerDetailSchema,
  providerRequestSchema,
  providerSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { flag, providerName } from "./parameters.ts";

const tags = ["Providers"];

export function providerRoutes(app: App, control: ControlSurface): void {
  listAndAdd(app, control);
  app.get(
    "/v1/providers/:name",
    {
      schema: {
        summary: "One provider, with its rate budgets, circuits and brake",
        tags,
        params: providerName,
        response: { 200: providerDetailSchema },
      },
    },
    (request) => control.providers.get(request.params.name),
  );
  app.post(
    "/v1/providers/:name/check",
    {
      schema: {
        summary: "Ask a provider whether it takes the credentials",
        description: "`check` of the answer says what came of it; it is kept.",
        tags,
        params: providerName,
        response: { 200: providerDetailSchema },
      },
    },
    (request) => control.providers.check(request.params.name),
  );
  app.post(
    "/v1/providers/:name/resume",
    {
      schema: {
        summary: "Release a provider's brake",
        description:
          "Instances that look unwell are acted on again, though there are many. Without a brake nothing changes.",
        tags,
        params: providerName,
        response: { 200: providerDetailSchema },
      },
    },
    (request) => control.providers.resume(request.params.name),
  );
  app.get(
    "/v1/providers/:name/catalog",
    {
      schema: {
        summary: "Regions, types and images of a provider",
        tags,
        params: providerName,
        querystring: z.strictObject({
          refresh: flag.describe("Ask the provider now, however fresh the last answer is"),
        }),
        response: { 200: catalogSchema },
      },
    },
    (request) => control.providers.catalog(request.params.name, request.query),
  );
}

function listAndAdd(app: App, control: ControlSurface): void {
  app.get(
    "/v1/drivers",
    {
      schema: {
        summary: "Kinds of provider, and what each one needs",
        tags,
        response: { 200: z.object({ items: z.array(driverSchema) }) },
      },
    },
    () => ({ items: control.providers.drivers() }),
  );
  app.get(
    "/v1/providers",
    {
      schema: {
        summary: "Providers that are set up",
        tags,
        response: { 200: z.object({ items: z.array(providerSchema) }) },
      },
    },
    async () => ({ items: await control.providers.list() }),
  );
  app.post(
    "/v1/providers",
    {
      schema: {
        summary: "Set up a provider",
        description: "Its credentials are tried once, then sealed; they are never shown again.",
        tags,
        body: providerRequestSchema,
        response: { 201: providerSchema },
      },
    },
    async (request, reply) => {
      const provider = await control.providers.add(request.body);
      return reply.code(201).header("location", `/v1/providers/${provider.name}`).send(provider);
    },
  );
}
