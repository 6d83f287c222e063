import { z } from "zod";
import { lanes } from "./jobs.ts";

/** What was asked of a process, by hand: to take no more jobs; to end what runs, hand the rest back, and take no more. */
export const processStates = ["running", "quieting", "quiet", "stopping"] as const;

const perLane = z.object({ short: z.number().int(), long: z.number().int() });

/** A job manager that runs jobs: one in each server of Provost, and in each worker of your own. */
export const processSchema = z.object({
  id: z.string().describe("As jobs name it in `process`"),
  host: z.string(),
  pid: z.number().int(),
  state: z
    .enum(processStates)
    .describe("`quieting`, `stopping`: asked for, within 10 s heard; what runs is let run to its end"),
  startedAt: z.string(),
  seenAt: z.string().describe("When it told of itself last"),
  leaseAgeMs: z.number().int().describe("How long ago that was; above 30,000 it counts as gone"),
  rssBytes: z.number().int().optional().describe("Memory of its OS process"),
  leader: z.boolean().describe("Promotes, rescues, prunes and fires for all"),
  slots: perLane.describe("Jobs it can run at once"),
  running: perLane.describe("Jobs it ran when it told of itself last"),
  names: z.array(z.string()).describe("Jobs it has handlers for"),
  lines: z.array(z.object({ queue: z.string(), lane: z.enum(lanes) })).describe("Where it claims from"),
});
export type ProcessView = z.infer<typeof processSchema>;

export const processDetailSchema = processSchema.extend({
  jobs: z
    .array(z.object({ id: z.string(), name: z.string(), queue: z.string(), startedAt: z.string().optional() }))
    .describe("What it runs now, by id; at most 200"),
});
export type ProcessDetail = z.infer<typeof processDetailSchema>;
