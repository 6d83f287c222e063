import { z } from "zod";
import { ifBusySchema } from "./tasks.ts";

/** What can be done to many instances with one command. */
export const fleetActions = [
  "boot",
  "reboot",
  "shutdown",
  "power-off",
  "resize",
  "snapshot",
  "destroy",
  "protect",
  "unprotect",
] as const;
export type FleetAction = (typeof fleetActions)[number];

/** Instances of one fleet command (L14). */
export const fleetSizeMax = 10_000;

const selection = {
  action: z.enum(fleetActions),
  type: z.string().min(1).max(128).optional().describe("Of a resize"),
  filter: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe("Like `provider:linode region:eu-central status:running,provisioned name:web-*`; this or `instances`"),
  instances: z.array(z.string().min(1).max(64)).min(1).max(fleetSizeMax).optional().describe("Names or ids"),
};

export const fleetPreviewRequestSchema = z.strictObject(selection);

export const fleetPreviewSchema = z.object({
  count: z.number().int(),
  preview: z.string().describe("Stands for these very instances: hand it to the command"),
  sample: z.array(z.object({ id: z.string(), name: z.string(), status: z.string() })).describe("The first 20"),
});
export type FleetPreview = z.infer<typeof fleetPreviewSchema>;

export const fleetRequestSchema = z.strictObject({
  ...selection,
  count: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("How many are expected; another number refuses all. This or `preview`"),
  preview: z.string().max(128).optional().describe("Of a preview: other instances than those refuse all"),
  concurrency: z.number().int().min(1).max(100).default(10).describe("At work at once"),
  failuresMax: z.number().int().min(0).max(fleetSizeMax).default(3).describe("With more failures no more are begun"),
  ifBusy: ifBusySchema,
});
export type FleetRequest = z.input<typeof fleetRequestSchema>;

/** `stopped`: after too many failures; `done` when each has been tried. */
const fleetStatuses = ["running", "done", "stopped", "cancelled"] as const;
/** `unchanged`: it was so already; `skipped`: not begun. */
export const memberStatuses = ["pending", "running", "done", "unchanged", "failed", "skipped"] as const;
export type MemberStatus = (typeof memberStatuses)[number];

export const fleetSchema = z.object({
  id: z.string(),
  action: z.enum(fleetActions),
  type: z.string().optional(),
  filter: z.string().optional(),
  status: z.enum(fleetStatuses).describe("Of `stopped` and `cancelled` what has begun is finished: see endedAt"),
  total: z.number().int(),
  members: z.object({
    pending: z.number().int(),
    running: z.number().int(),
    done: z.number().int(),
    unchanged: z.number().int(),
    failed: z.number().int(),
    skipped: z.number().int(),
  }),
  concurrency: z.number().int(),
  failuresMax: z.number().int(),
  requestedBy: z.string().optional().describe("Name of the token"),
  createdAt: z.string(),
  endedAt: z.string().optional(),
});
export type FleetView = z.infer<typeof fleetSchema>;

export const fleetMemberSchema = z.object({
  instanceId: z.string(),
  name: z.string(),
  status: z.enum(memberStatuses),
  taskId: z.string().optional(),
  code: z.string().optional().describe("Why it failed, was unchanged or skipped"),
  message: z.string().optional(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
});
export type FleetMember = z.infer<typeof fleetMemberSchema>;
