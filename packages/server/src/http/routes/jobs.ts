import {
  flowPageSchema,
  jobCountsSchema,
  jobDetailSchema,
  jobFilterFields,
  jobFlowSchema,
  jobIdSchema,
  jobLogSchema,
  jobSchema,
  jobsOverviewSchema,
  jobWhySchema,
  pageSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, jobId, limit } from "./parameters.ts";

const tags = ["Jobs"];

/** Jobs of the job manager: all that can be seen of them. */
export function jobRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/jobs/overview",
    {
      schema: {
        summary: "How the jobs do: figures of now and of the last hour",
        description:
          "From kept counters and from what each process has counted, up to 5 s ago: as cheap with millions of jobs as with ten.",
        tags,
        response: { 200: jobsOverviewSchema },
      },
    },
    () => control.jobs.overview(),
  );
  app.get(
    "/v1/jobs/counts",
    {
      schema: {
        summary: "Jobs by status",
        description:
          "Exact without `name` and `priority`, and in a flow. With them at most some thousand jobs of each status are looked at: `capped` then says that there may be more.",
        tags,
        querystring: z.strictObject(jobFilterFields),
        response: { 200: jobCountsSchema },
      },
    },
    ({ query }) => control.jobs.counts(query),
  );
  listRoute(app, control);
  oneRoutes(app, control);
  flowRoutes(app, control);
}

function listRoute(app: App, control: ControlSurface): void {
  app.get(
    "/v1/jobs",
    {
      schema: {
        summary: "Jobs, newest first",
        description:
          "Statuses, queues, flows, ids and keys are found by their indexes. A name and a priority are looked for among the others, at most 10,000 jobs for each page: a page can be short, even empty, and have a `next`.",
        tags,
        querystring: z.strictObject({
          ...jobFilterFields,
          id: jobIdSchema.optional(),
          key: z.string().min(1).max(255).optional().describe("A unique key that is held, or a wake key waited for"),
          after: jobIdSchema.optional().describe("`next` of the page before"),
          limit,
        }),
        response: { 200: pageSchema(jobSchema) },
      },
    },
    ({ query }) => control.jobs.list(query),
  );
}

function oneRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/jobs/:id",
    {
      schema: {
        summary: "One job: its story, its attempts, its priority over time, what it was given and what it gave",
        tags,
        params: jobId,
        response: { 200: jobDetailSchema },
      },
    },
    ({ params }) => control.jobs.get(params.id),
  );
  app.get(
    "/v1/jobs/:id/logs",
    {
      schema: {
        summary: "What a job's attempts have told and printed, oldest first",
        description: "The first 1,000 lines of each attempt, as long as the job is kept.",
        tags,
        params: jobId,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(jobLogSchema) },
      },
    },
    ({ params, query }) => control.jobs.logs(params.id, query),
  );
  app.get(
    "/v1/jobs/:id/why",
    {
      schema: { summary: "Why a job is not running", tags, params: jobId, response: { 200: jobWhySchema } },
    },
    ({ params }) => control.jobs.why(params.id),
  );
}

function flowRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/jobs/:id/flow",
    {
      schema: {
        summary: "The flow of a job, as a tree with each job's times",
        description: "At most 50 jobs of a stage and 500 in all; the others are in the stages' counts.",
        tags,
        params: jobId,
        response: { 200: jobFlowSchema },
      },
    },
    ({ params }) => control.jobs.flow(params.id),
  );
  app.get(
    "/v1/jobs/:id/flow/stages/:stage",
    {
      schema: {
        summary: "All jobs of one stage of its flow, by id",
        tags,
        params: jobId.extend({ stage: jobIdSchema }),
        querystring: z.strictObject({
          after: z
            .string()
            .regex(/^\d{1,18}$/)
            .optional(),
          limit,
        }),
        response: { 200: flowPageSchema },
      },
    },
    ({ params, query }) => control.jobs.flowPage(params.id, params.stage, query),
  );
}
