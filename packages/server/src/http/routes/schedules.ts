import {
  pageSchema,
  scheduleDetailSchema,
  scheduleRunSchema,
  scheduleSchema,
  scheduleTickSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { limit, scheduleName } from "./parameters.ts";

const tags = ["Schedules"];
const after = z.string().max(255).optional().describe("`next` of the page before");
const runsMax = 100;

/** Recurring jobs. */
export function scheduleRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/schedules",
    {
      schema: {
        summary: "Schedules, by name",
        tags,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(scheduleSchema) },
      },
    },
    ({ query }) => control.schedules.list(query),
  );
  app.get(
    "/v1/schedules/:name",
    {
      schema: {
        summary: "One schedule: its next runs, its last ones, its cursors",
        tags,
        params: scheduleName,
        querystring: z.strictObject({
          runs: z.coerce.number().int().min(0).max(runsMax).default(5).describe("How many of the next ones"),
          zone: z.string().min(1).max(64).optional().describe("Of the local times; that of the rule by default"),
        }),
        response: { 200: scheduleDetailSchema },
      },
    },
    ({ params, query }) => control.schedules.get(params.name, query),
  );
  app.get(
    "/v1/schedules/:name/ticks",
    {
      schema: {
        summary: "The scheduler's log, latest due first",
        description:
          "1,000 ticks are kept for each shard. A page ends behind all shards of an instant, and may be a little longer for that.",
        tags,
        params: scheduleName,
        querystring: z.strictObject({ shard: z.coerce.number().int().min(0).optional(), after, limit }),
        response: { 200: pageSchema(scheduleTickSchema) },
      },
    },
    ({ params, query }) => control.schedules.ticks(params.name, query),
  );
  actRoutes(app, control);
}

function actRoutes(app: App, control: ControlSurface): void {
  app.post(
    "/v1/schedules/:name/run",
    {
      schema: {
        summary: "Run a schedule now, also a paused one",
        tags,
        params: scheduleName,
        body: z
          .strictObject({ shards: z.array(z.number().int().min(0)).min(1).max(64).optional() })
          .describe("All shards by default")
          .nullish(),
        response: { 200: scheduleRunSchema },
      },
    },
    ({ params, body }) => control.schedules.run(params.name, body?.shards),
  );
  app.post(
    "/v1/schedules/:name/pause",
    {
      schema: {
        summary: "No more ticks of a schedule",
        description: "Runs under way go on. A restart does not end it.",
        tags,
        params: scheduleName,
        response: { 200: scheduleSchema },
      },
    },
    ({ params }) => control.schedules.pause(params.name),
  );
  app.post(
    "/v1/schedules/:name/resume",
    {
      schema: {
        summary: "Ticks again, from the next due time on",
        tags,
        params: scheduleName,
        response: { 200: scheduleSchema },
      },
    },
    ({ params }) => control.schedules.resume(params.name),
  );
}
