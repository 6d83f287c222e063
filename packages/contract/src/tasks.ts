import { z } from "zod";
import { failureSchema } from "./schemas.ts";

/** What is done to an instance that is there: one at a time (C9). `deploy` and `destroy` hold it as well. */
export const taskKinds = [
  "boot",
  "reboot",
  "shutdown",
  "power-off",
  "resize",
  "snapshot",
  "restore",
  "destroy",
] as const;
export type TaskKind = (typeof taskKinds)[number];

/** Asked for and nothing more: they need nothing but the instance. */
export const signalKinds = ["boot", "reboot", "shutdown", "power-off"] as const satisfies readonly TaskKind[];
export type SignalKind = (typeof signalKinds)[number];

/** `waiting` for the instance to be free; `running`; the rest is final. */
export const taskStatuses = ["waiting", "running", "done", "failed"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** What to do when the instance has a task under way. */
const ifBusyChoices = ["refuse", "wait"] as const;
export const ifBusySchema = z
  .enum(ifBusyChoices)
  .default("refuse")
  .describe("When another task is under way: be refused (409), or wait for its end");
export type IfBusy = (typeof ifBusyChoices)[number];

export const backupSchema = z.object({
  id: z.string(),
  kind: z.enum(["daily", "snapshot"]).describe("By the provider's schedule, or asked for"),
  label: z.string(),
  status: z.enum(["pending", "available", "failed"]).describe("Only an available one can be restored"),
  createdAt: z.string().optional(),
});
export type BackupView = z.infer<typeof backupSchema>;

export const taskSchema = z.object({
  id: z.string(),
  kind: z.enum(taskKinds),
  instanceId: z.string(),
  instanceName: z.string(),
  status: z.enum(taskStatuses),
  step: z.string().optional().describe("What it is at: stop, change, start, …"),
  undoing: z.boolean().optional().describe("A step has failed, and what it changed is put back"),
  type: z.string().optional().describe("Of a resize: the type that is wanted"),
  backupId: z.string().optional().describe("Of a restore; of a snapshot, once it is taken"),
  label: z.string().optional().describe("Of a snapshot"),
  before: z
    .object({ type: z.string(), power: z.string() })
    .optional()
    .describe("Type and power when it began, as the provider said"),
  failure: failureSchema.optional(),
  requestedBy: z.string().optional().describe("Name of the token"),
  fleetId: z.string().optional(),
  flowId: z.string().optional(),
  createdAt: z.string(),
  startedAt: z.string().optional().describe("When it took the instance"),
  endedAt: z.string().optional(),
});
export type TaskView = z.infer<typeof taskSchema>;

export const taskRequestSchema = z.strictObject({ ifBusy: ifBusySchema });

export const resizeRequestSchema = z.strictObject({ type: z.string().min(1).max(128), ifBusy: ifBusySchema });

/** As every provider takes it. */
const backupLabelPattern = /^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$/;
export const snapshotRequestSchema = z.strictObject({
  label: z
    .string()
    .regex(backupLabelPattern, "3–40 characters of a–z, 0–9 and -")
    .optional()
    .describe("A new one for each; made up when left out"),
  ifBusy: ifBusySchema,
});
export const restoreRequestSchema = z.strictObject({ backup: z.string().min(1).max(128), ifBusy: ifBusySchema });

/** What is asked of one instance, in one shape: by the routes, and by fleet commands. */
export type TaskOrder =
  | { kind: SignalKind | "destroy" }
  | { kind: "resize"; type: string }
  | { kind: "snapshot"; label?: string | undefined }
  | { kind: "restore"; backup: string };
