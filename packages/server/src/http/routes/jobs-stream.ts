import { ProvostError } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { stillAllowed } from "../access.ts";
import { openEventStream, streamsMax, type StreamTimes } from "../event-stream.ts";
import { JobsLive } from "../jobs-live.ts";
import type { App } from "../zod-routes.ts";

/** What happens to jobs, live. */
export function jobStreamRoute(app: App, control: ControlSurface, times: StreamTimes): void {
  const live = new JobsLive(control.jobs, times);
  app.addHook("preClose", (done) => {
    live.close();
    done();
  });
  app.get(
    "/v1/jobs/stream",
    {
      schema: {
        summary: "What happens to jobs, live",
        description:
          "Server-sent events. `event: overview` has the overview, at once and when it has changed, every 2 s at most; `event: jobs` names jobs that this server has seen begin or end: a hint to read again what is shown. Nothing is continued: whoever comes back gets the overview of then.",
        tags: ["Jobs"],
        produces: ["text/event-stream"],
        response: { 200: z.string().describe("`data:` is a JobsOverview, or JobHints") },
      },
    },
    (request, reply) => serve(live, control, request, reply),
  );
}

/** Takes the response over. Refuses with problem+json what it can still refuse. */
async function serve(
  live: JobsLive,
  control: ControlSurface,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (live.size >= streamsMax) {
    throw new ProvostError(
      "server_unavailable",
      `${streamsMax} streams of jobs are open already: close some, or read the overview.`,
    );
  }
  await live.follow(openEventStream(request, reply), () => stillAllowed(control, request));
}
