import { pageSchema, processDetailSchema, processSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { limit, processId } from "./parameters.ts";

const tags = ["Processes"];
const after = z.string().max(255).optional().describe("`next` of the page before");

const asks = [
  ["quiet", "quiet", "Let a process take no more jobs", "What it runs goes on to its end. It hears of it within 10 s."],
  [
    "resume",
    "run",
    "Let a process take jobs again",
    "One that has stopped does not come back by this: start it again.",
  ],
  [
    "stop",
    "stop",
    "Stop a process's work",
    "It takes no more jobs, lets those that run end for 10 s, and gives the others back; its OS process goes on. A server of Provost then answers and deploys nothing until it is started again.",
  ],
] as const;

/** Who runs the jobs. */
export function processRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/processes",
    {
      schema: {
        summary: "Processes that run jobs, by id",
        tags,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(processSchema) },
      },
    },
    ({ query }) => control.processes.list(query),
  );
  app.get(
    "/v1/processes/:id",
    {
      schema: {
        summary: "One process, and what it runs now",
        tags,
        params: processId,
        response: { 200: processDetailSchema },
      },
    },
    ({ params }) => control.processes.get(params.id),
  );
  for (const [path, asked, summary, description] of asks) {
    app.post(
      `/v1/processes/:id/${path}`,
      { schema: { summary, description, tags, params: processId, response: { 200: processSchema } } },
      ({ params }) => control.processes.ask(params.id, asked),
    );
  }
}
