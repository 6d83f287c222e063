import { z } from "zod";
import { lanes } from "./jobs.ts";

/**
 * What is defined here is what a query of the store gives (each figure says which). Jobs *ended* are those that ended with an attempt of
 * their own: `processed`, `failed`, or `cancelled` while they ran. What was cancelled before it began, or failed along with its parent
 * or stage, never reached a process and is in no figure of this kind. A job that is retried by hand and fails again has failed twice.
 */
const ended = {
  processed: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
};

/** Minutes of the store's clock, the one that is under way included. */
export const overviewMinutes = 60;

export const overviewMinuteSchema = z.object({
  at: z.string().describe("The minute's beginning"),
  ...ended,
  retried: z.number().int().describe("Attempts that ended in an error, a timeout or a death, of jobs that come back"),
  waitP50Ms: z
    .number()
    .optional()
    .describe("From ready to started, of the attempts that ended in it; to the next higher of steps of 19%"),
  waitP95Ms: z.number().optional(),
  runP95Ms: z.number().optional().describe("From started to ended"),
  backlog: z
    .number()
    .int()
    .optional()
    .describe("Jobs that were ready at its end, or are now; absent where nobody looked"),
});
export type OverviewMinute = z.infer<typeof overviewMinuteSchema>;

export const queueLoadSchema = z.object({
  queue: z.string(),
  running: z.number().int(),
  ready: z.number().int(),
  delayed: z.number().int(),
  waiting: z.number().int(),
  ...ended,
  oldestWaitMs: z.number().int().optional().describe("How long the one that has waited longest has been ready"),
  paused: z.boolean(),
});
export type QueueLoad = z.infer<typeof queueLoadSchema>;

export const failingNameSchema = z.object({
  name: z.string(),
  failed: z.number().int(),
  retried: z.number().int(),
  processed: z.number().int(),
});

export const jobsOverviewSchema = z.object({
  at: z.string().describe("By the store's clock"),
  running: z.number().int().describe("Jobs `in_progress`"),
  ready: z.number().int().describe("Jobs `queued`"),
  delayed: z.number().int(),
  waiting: z.number().int().describe("Jobs behind a closed gate"),
  failedLastHour: z.number().int().describe("Sum of `failed` over `minutes`"),
  perMinute: z.number().int().describe("Jobs ended in the last whole minute"),
  oldestWait: z
    .object({ queue: z.string(), lane: z.enum(lanes), ms: z.number().int() })
    .optional()
    .describe(
      "The longest wait of a ready job, and where; looked for among the 64 first ones of each priority of a queue",
    ),
  processes: z.number().int().describe("That have told of themselves in the last 30 s"),
  queues: z
    .array(queueLoadSchema)
    .describe("Workload by queue, the last hour's ends included; the 50 with the most jobs ready and running"),
  failing: z.array(failingNameSchema).describe("Names by `failed` of the last hour, the 10 highest"),
  minutes: z.array(overviewMinuteSchema).describe("The last 60 minutes, oldest first, the one under way last"),
});
export type JobsOverview = z.infer<typeof jobsOverviewSchema>;

/** `event: jobs` of the stream: what this server's own process has seen change since the last one; a hint, not the truth. */
export const jobHintsSchema = z.object({
  ids: z.array(z.string()).describe("At most 500"),
  names: z.array(z.string()).describe("At most 100"),
  more: z.boolean().describe("There were more: read again what is shown"),
});
export type JobHints = z.infer<typeof jobHintsSchema>;
