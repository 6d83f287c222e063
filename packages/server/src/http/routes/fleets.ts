import {
  fleetMemberSchema,
  fleetPreviewRequestSchema,
  fleetPreviewSchema,
  fleetRequestSchema,
  fleetSchema,
  memberStatuses,
  pageSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, fleetId, idempotencyHeaders, idempotencyKey, limit } from "./parameters.ts";

const tags = ["Fleets"];

/** One command to many instances. */
export function fleetRoutes(app: App, control: ControlSurface): void {
  app.post(
    "/v1/fleets/preview",
    {
      schema: {
        summary: "How many and which instances a command would reach",
        tags,
        body: fleetPreviewRequestSchema,
        response: { 200: fleetPreviewSchema },
      },
    },
    (request) => control.fleets.preview(request.body),
  );
  app.post(
    "/v1/fleets",
    {
      schema: {
        summary: "Do the same to many instances",
        description:
          "Confirmed by `count` or `preview`: when other instances fit by now, all is refused (409). It goes on without the caller, through restarts, until it has an `endedAt`.",
        tags,
        headers: idempotencyHeaders,
        body: fleetRequestSchema,
        response: { 202: fleetSchema },
      },
    },
    async (request, reply) => {
      const fleet = await control.fleets.begin(request.body, idempotencyKey(request.headers));
      return reply.code(202).header("location", `/v1/fleets/${fleet.id}`).send(fleet);
    },
  );
  app.post(
    "/v1/fleets/:id/cancel",
    {
      schema: {
        summary: "Begin no more",
        description: "What has begun is finished; the rest is skipped.",
        tags,
        params: fleetId,
        response: { 200: fleetSchema },
      },
    },
    (request) => control.fleets.cancel(request.params.id),
  );
  readingRoutes(app, control);
}

function readingRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/fleets",
    {
      schema: {
        summary: "Fleet commands, newest first",
        tags,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(fleetSchema) },
      },
    },
    ({ query: { after: last, ...query } }) =>
      control.fleets.list(last === undefined ? query : { ...query, after: last }),
  );
  app.get(
    "/v1/fleets/:id",
    {
      schema: {
        summary: "One fleet command, and how far it is",
        tags,
        params: fleetId,
        response: { 200: fleetSchema },
      },
    },
    (request) => control.fleets.get(request.params.id),
  );
  app.get(
    "/v1/fleets/:id/members",
    {
      schema: {
        summary: "What became of each instance",
        tags,
        params: fleetId,
        querystring: z.strictObject({ status: z.enum(memberStatuses).optional(), after, limit }),
        response: { 200: pageSchema(fleetMemberSchema) },
      },
    },
    ({ params, query: { after: last, status, limit: most } }) =>
      control.fleets.members(params.id, {
        limit: most,
        ...(status === undefined ? {} : { status }),
        ...(last === undefined ? {} : { after: last }),
      }),
  );
}
