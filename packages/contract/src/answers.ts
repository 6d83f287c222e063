import { z } from "zod";
import { instanceEventSchema } from "./schemas.ts";

/** Answers of the HTTP API beside the instances and providers themselves. */

export const healthSchema = z.object({
  status: z.literal("ok"),
  version: z.string(),
  deployment: z.string().describe("Which deployment of Provost (which store) answers here"),
});
export type Health = z.infer<typeof healthSchema>;

export const driverSchema = z.object({
  name: z.string(),
  title: z.string(),
  options: z
    .array(z.object({ name: z.string(), required: z.boolean(), secret: z.boolean(), description: z.string() }))
    .describe("What it takes besides `name`"),
});
export type Driver = z.infer<typeof driverSchema>;

export const instanceLogSchema = z.object({
  at: z.string(),
  step: z.string().describe("The stage it reported, or the step that failed"),
  log: z.string(),
});
export type InstanceLogLines = z.infer<typeof instanceLogSchema>;

export const rootPasswordSchema = z.object({ rootPassword: z.string().describe("Shown this once") });
export type RootPassword = z.infer<typeof rootPasswordSchema>;

export const callbackAnswerSchema = z.object({ changed: z.boolean().describe("False for a replay") });
export type CallbackAnswer = z.infer<typeof callbackAnswerSchema>;

export const eventListSchema = z.object({ items: z.array(instanceEventSchema) });
export type EventList = z.infer<typeof eventListSchema>;
