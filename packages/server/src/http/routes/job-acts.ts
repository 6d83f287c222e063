import {
  jobActRequestSchema,
  jobActResultSchema,
  jobMoveRequestSchema,
  jobsActedSchema,
  jobsActPreviewRequestSchema,
  jobsActPreviewSchema,
  jobsActRequestSchema,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { App } from "../zod-routes.ts";
import { jobId } from "./parameters.ts";

const tags = ["Jobs"];

const acts = {
  "run-now": "Run a job now: ahead of all others of its lane, past delay, pause and rate",
  retry: "Give a failed or cancelled job a fresh budget and its base priority",
  cancel: "Cancel a job; one that runs is asked to end",
  hold: "Hold a job back until it is let go",
  unhold: "Let a job go on that was held back",
} as const;

/** What is done to jobs by hand. */
export function jobActRoutes(app: App, control: ControlSurface): void {
  // Each by its own name, for the rules and the audit log.
  for (const action of ["run-now", "retry", "cancel", "hold", "unhold"] as const) {
    app.post(
      `/v1/jobs/:id/${action}`,
      {
        schema: {
          summary: acts[action],
          description: "Refused with 409 and the reason when the job is not in a state for it.",
          tags,
          params: jobId,
          // A bare POST is enough.
          body: jobActRequestSchema.nullish(),
          response: { 200: jobActResultSchema },
        },
      },
      ({ params, body }) => control.jobs.act(params.id, action, body ?? {}),
    );
  }
  app.post(
    "/v1/jobs/:id/move",
    {
      schema: {
        summary: "Move a job to another queue, or to another priority",
        tags,
        params: jobId,
        body: jobMoveRequestSchema,
        response: { 200: jobActResultSchema },
      },
    },
    ({ params, body }) => control.jobs.move(params.id, body),
  );
  app.post(
    "/v1/jobs/actions/preview",
    {
      schema: {
        summary: "How many jobs an action would meet",
        tags,
        body: jobsActPreviewRequestSchema,
        response: { 200: jobsActPreviewSchema },
      },
    },
    ({ body }) => control.jobs.preview(body),
  );
  app.post(
    "/v1/jobs/actions",
    {
      schema: {
        summary: "Do the same to all jobs that fit",
        description:
          "Confirmed by `count` and `through`, as the preview said: when more jobs fit by now, all is refused (409). At most 10,000.",
        tags,
        body: jobsActRequestSchema,
        response: { 200: jobsActedSchema },
      },
    },
    ({ body }) => control.jobs.actAll(body),
  );
}
