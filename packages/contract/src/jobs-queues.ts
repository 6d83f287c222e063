import { z } from "zod";
import { lanes } from "./jobs.ts";

export const queueNameSchema = z.string().min(1).max(255);

/** What holds a queue back; null: no limit. */
const limitFields = {
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .describe("Jobs that run at once, on all hosts together"),
  keyConcurrency: z.number().int().min(1).max(1_000_000).nullable().describe("The same, of jobs with one limit key"),
  ratePerSecond: z.number().min(0.0001).max(1_000_000).nullable().describe("Starts per second, on average"),
  rateBurst: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .describe("Starts at once after a rest; null: a second's worth"),
  agingMs: z
    .number()
    .int()
    .min(1)
    .nullable()
    .describe("A waiting job gains a point of priority each time this has passed; null: never"),
  depthMax: z.number().int().min(1).max(1_000_000_000).nullable().describe("Jobs that may wait, be delayed or gated"),
  weight: z.number().int().min(1).max(1_000).describe("Its part of the slots where several queues have jobs ready"),
};
export const queueLimitsSchema = z.object(limitFields);

/** What is left out stays as it is; null takes a limit away. */
export const queueChangeSchema = z.strictObject(limitFields).partial();
export type QueueChange = z.input<typeof queueChangeSchema>;

export const queueLaneSchema = z.object({
  lane: z.enum(lanes),
  running: z.number().int(),
  ready: z.number().int(),
  delayed: z.number().int(),
  waiting: z.number().int(),
  oldestWaitMs: z.number().int().optional(),
  slots: z.number().int().describe("Of the processes that claim from it; shared with the other queues of the lane"),
});

export const queueSchema = z.object({
  name: z.string(),
  paused: z.boolean(),
  depth: z.number().int().describe("Ready, delayed and waiting jobs: what `depthMax` bounds"),
  running: z.number().int(),
  ready: z.number().int(),
  delayed: z.number().int(),
  waiting: z.number().int(),
  processed: z.number().int().describe("That are kept"),
  failed: z.number().int().describe("That are kept"),
  cancelled: z.number().int().describe("That are kept"),
  oldestWaitMs: z.number().int().optional(),
  use: z
    .number()
    .optional()
    .describe("0–1: what runs, of the concurrency limit, or where it has none of the slots it could have"),
  processes: z.number().int().describe("That claim from it"),
  limits: queueLimitsSchema,
  lanes: z.array(queueLaneSchema),
});
export type QueueView = z.infer<typeof queueSchema>;
