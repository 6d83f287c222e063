import { z } from "zod";
import { jobFilterSchema } from "./jobs.ts";

/**
 * What can be done to jobs. `run-now`: ahead of all others of its lane. `retry`: a fresh budget for what has failed or was cancelled.
 * `cancel`: what runs is asked to end. `move`: to another queue or priority. `hold`, `unhold`: not started until that is taken back.
 */
export const jobActions = ["run-now", "retry", "cancel", "move", "hold", "unhold"] as const;
export type JobAction = (typeof jobActions)[number];

/** Jobs of one command (L14). */
export const jobsActedMax = 10_000;

/** `POST /v1/jobs/:id/<action>`; a bare POST is enough but for a move. */
export const jobActRequestSchema = z.strictObject({
  descendants: z
    .boolean()
    .default(false)
    .describe("Also all that stands below it in its flow; of cancel, hold and unhold"),
});
export type JobActRequest = z.input<typeof jobActRequestSchema>;

const to = {
  queue: z.string().min(1).max(255).optional().describe("To this queue; what runs is refused"),
  priority: z.number().int().min(0).max(255).optional().describe("Its new priority, which decay begins from again"),
};
/** One of the two at least. */
export const jobMoveRequestSchema = z.strictObject({
  ...to,
  descendants: z.boolean().default(false).describe("The priority also to all that stands below it in its flow"),
});
export type JobMoveRequest = z.input<typeof jobMoveRequestSchema>;

/** On all that fit a filter: `POST /v1/jobs/actions/preview`, then `POST /v1/jobs/actions` with what that said. */
const action = { action: z.enum(jobActions), ...to };

/** `requested`: it runs, and is asked to end; it can still be processed. */
export const jobActResultSchema = z.object({
  id: z.string(),
  state: z.enum(["applied", "requested"]),
  descendants: z.number().int().optional().describe("Changed below it"),
});
export type JobActResult = z.infer<typeof jobActResultSchema>;

export const jobsActPreviewRequestSchema = z.strictObject({ ...action, filter: jobFilterSchema });
export type JobsActPreviewRequest = z.input<typeof jobsActPreviewRequestSchema>;

export const jobsActPreviewSchema = z.object({
  count: z.number().int().describe("Jobs that fit, and are in a status that takes the action"),
  through: z.string().describe("The newest of them: hand it back, so that none is met that has come since"),
  sample: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })).describe("The 20 newest"),
});
export type JobsActPreview = z.infer<typeof jobsActPreviewSchema>;

export const jobsActRequestSchema = z.strictObject({
  ...action,
  filter: jobFilterSchema,
  count: z.number().int().min(1).max(jobsActedMax).describe("As confirmed: when more fit by now, all is refused"),
  through: z.string().max(18).optional().describe("As the preview said; without it, newer ones count too"),
});
export type JobsActRequest = z.input<typeof jobsActRequestSchema>;

export const jobsActedSchema = z.object({
  matched: z.number().int(),
  applied: z.number().int(),
  requested: z.number().int().describe("Running ones that are asked to end"),
  refused: z.number().int().describe("Not in a state for it any more, or held back by a gate or a limit"),
  reasons: z.record(z.string(), z.number().int()).describe("Why they were refused, and how many"),
});
export type JobsActed = z.infer<typeof jobsActedSchema>;
