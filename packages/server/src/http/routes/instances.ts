import {
  countMax,
  deployRequestSchema,
  ifBusySchema,
  instanceCountsSchema,
  instanceFilterSchema,
  instanceLogSchema,
  instanceSchema,
  pageSchema,
  rootPasswordSchema,
  tagsRequestSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, flag, idempotencyHeaders, idempotencyKey, instanceRef, limit } from "./parameters.ts";

const tags = ["Instances"];

export function instanceRoutes(app: App, control: ControlSurface): void {
  listAndDeploy(app, control);
  app.get(
    "/v1/instances/:ref",
    { schema: { summary: "One instance", tags, params: instanceRef, response: { 200: instanceSchema } } },
    (request) => control.instances.get(request.params.ref),
  );
  app.delete(
    "/v1/instances/:ref",
    {
      schema: {
        summary: "Destroy an instance",
        description:
          "Answers at once; the instance is gone when its status is `destroyed`. A deploy under way is cancelled; another task refuses it, or is waited for.",
        tags,
        params: instanceRef,
        querystring: z.strictObject({ ifBusy: ifBusySchema }),
        response: { 202: instanceSchema },
      },
    },
    async (request, reply) =>
      reply.code(202).send(await control.instances.destroy(request.params.ref, { ifBusy: request.query.ifBusy })),
  );
  app.put(
    "/v1/instances/:ref/tags",
    {
      schema: {
        summary: "Set the tags of an instance",
        description: "All that it shall have from now on. They are Provost's own: the provider does not know them.",
        tags,
        params: instanceRef,
        body: tagsRequestSchema,
        response: { 200: instanceSchema },
      },
    },
    (request) => control.instances.setTags(request.params.ref, request.body.tags),
  );
  app.get(
    "/v1/instances/:ref/logs",
    {
      schema: {
        summary: "Log lines that the instance sent",
        tags,
        params: instanceRef,
        response: { 200: z.object({ items: z.array(instanceLogSchema) }) },
      },
    },
    (request) => control.instances.logs(request.params.ref).then((items) => ({ items })),
  );
  app.post(
    "/v1/instances/:ref/root-password",
    {
      schema: {
        summary: "Show the root password, once",
        description: "Where the provider demanded one. The second time it is gone (410).",
        tags,
        params: instanceRef,
        response: { 200: rootPasswordSchema },
      },
    },
    async (request, reply) => {
      const rootPassword = await control.instances.revealRootPassword(request.params.ref);
      return reply.header("cache-control", "no-store").send({ rootPassword });
    },
  );
}

function listAndDeploy(app: App, control: ControlSurface): void {
  app.get(
    "/v1/instances",
    {
      schema: {
        summary: "Instances, newest first",
        tags,
        description:
          "Narrowed by what is given: every term must hold, values between commas are alternatives. `name` is a beginning.",
        querystring: instanceFilterSchema.extend({
          failed: flag.describe("Those that failed and are still there to look at"),
          all: flag.describe("Every record: destroyed ones and the builders of images too"),
          after,
          limit,
        }),
        response: { 200: pageSchema(instanceSchema) },
      },
    },
    (request) => {
      const { after: last, ...query } = request.query;
      return control.instances.list(last === undefined ? query : { ...query, after: last });
    },
  );
  app.get(
    "/v1/instances/counts",
    {
      schema: {
        summary: "How many instances stand where",
        description: `Of live ones by status, and of failed ones that are still there. None is counted further than ${countMax + 1}; with a filter, of the newest 100,000 that fit.`,
        tags,
        querystring: instanceFilterSchema.omit({ status: true }),
        response: { 200: instanceCountsSchema },
      },
    },
    (request) => control.instances.counts(request.query),
  );
  app.post(
    "/v1/instances",
    {
      schema: {
        summary: "Deploy an instance",
        description:
          "Answers as soon as the intent is stored; follow `/events`. With an `Idempotency-Key` the same request gives the same instance, however often it is sent.",
        tags,
        headers: idempotencyHeaders,
        body: deployRequestSchema,
        response: { 202: instanceSchema },
      },
    },
    async (request, reply) => {
      const instance = await control.instances.deploy(request.body, idempotencyKey(request.headers));
      return reply.code(202).header("location", `/v1/instances/${instance.id}`).send(instance);
    },
  );
}
