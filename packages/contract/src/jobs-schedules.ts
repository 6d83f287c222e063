import { z } from "zod";
import { lanes } from "./jobs.ts";

export const scheduleStates = ["active", "paused", "unwanted"] as const;

export const scheduleSchema = z.object({
  name: z.string(),
  state: z.enum(scheduleStates).describe("`unwanted`: no process has it in its code any more; it does not tick"),
  words: z.string().describe("`every 5 minutes`, `at 03:00 every day (Europe/Berlin)`"),
  rule: z.string().describe("`5m`, or the cron pattern"),
  timeZone: z.string().optional().describe("Of a cron pattern"),
  shards: z.number().int(),
  overlap: z.enum(["skip", "allow"]).describe("What comes of a tick while the run before has not ended"),
  missed: z.enum(["skip", "once"]).describe("What comes of ticks that nobody fired"),
  queue: z.string(),
  lane: z.enum(lanes),
  priority: z.number().int(),
  timeoutMs: z.number().int(),
  nextDueAt: z.string().optional(),
});
export type ScheduleView = z.infer<typeof scheduleSchema>;

export const tickOutcomes = ["fired", "processed", "failed", "cancelled", "skipped", "missed"] as const;

/** One line of the scheduler's log. */
export const scheduleTickSchema = z.object({
  shard: z.number().int(),
  dueAt: z.string(),
  firedAt: z.string().describe("When it was fired, or logged as missed"),
  outcome: z.enum(tickOutcomes).describe("`fired`: its run has not ended"),
  jobId: z.string().optional().describe("Of its run"),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  lagMs: z.number().int().optional().describe("How late the run started"),
  cursorBefore: z.unknown().optional(),
  cursorAfter: z.unknown().optional(),
});
export type ScheduleTick = z.infer<typeof scheduleTickSchema>;

export const scheduleDetailSchema = scheduleSchema.extend({
  nextRuns: z
    .array(
      z.object({ at: z.string(), local: z.string().describe("`2026-11-22 03:00:00 GMT+1` in the zone asked for") }),
    )
    .describe("As the rule says, paused or not"),
  zone: z.string().describe("The zone of `local`"),
  cursors: z.array(z.unknown()).describe("By shard; null before the first processed run"),
  recent: z.array(scheduleTickSchema).describe("The last 20 ticks, latest due first; all of them: `/ticks`"),
});
export type ScheduleDetail = z.infer<typeof scheduleDetailSchema>;

export const scheduleRunSchema = z.object({
  shards: z.array(
    z.object({
      shard: z.number().int(),
      state: z.enum(["started", "skipped", "existing"]).describe("`skipped`: its last run has not ended"),
      jobId: z.string().optional(),
    }),
  ),
});
export type ScheduleRun = z.infer<typeof scheduleRunSchema>;
