import { failureSchema, instanceStatuses, type Failure, type TaskView } from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import { instant, iso } from "../storage/rows.ts";
import type { TaskTable } from "../storage/schema.ts";

/** What was asked, as it is kept. */
const inputSchema = z.object({
  type: z.string().optional(),
  /** Of the wanted type, as the catalog said. */
  monthlyUsd: z.number().optional(),
  backup: z.string().optional(),
  label: z.string().optional(),
});
export type TaskInput = z.infer<typeof inputSchema>;

/** How far one step is with its call (C4). */
const markSchema = z.object({
  /** Calls that may have had an effect. */
  calls: z.number().int(),
  calledAt: z.number(),
  /** Its answer is not known. */
  open: z.boolean(),
  /** Where the provider's feed of changes stood before the first call. */
  cursor: z.string().optional(),
});
export type Mark = z.infer<typeof markSchema>;

const progressSchema = z.object({
  /** As the first look found it; status "running" or "stopped". */
  before: z.object({ type: z.string(), power: z.enum(["running", "stopped"]) }).optional(),
  /** What people are shown: the status and the plan that the row had. */
  was: z.object({ status: z.enum(instanceStatuses), desired: z.enum(["running", "stopped", "destroyed"]) }),
  step: z.string().optional(),
  done: z.array(z.string()),
  marks: z.record(z.string(), markSchema),
  backupId: z.string().optional(),
  /** The type after a restore: some providers put that back too. */
  type: z.string().optional(),
  /** What could not be put back, and why. */
  left: z.array(z.string()),
});
export type Progress = z.infer<typeof progressSchema>;

export interface TaskRow extends Omit<
  Selectable<TaskTable>,
  "input" | "progress" | "failure" | "created_at" | "started_at" | "clock_at" | "paused_ms" | "undo_at" | "ended_at"
> {
  input: TaskInput;
  progress: Progress;
  failure: Failure | null;
  created_at: number;
  started_at: number | null;
  clock_at: number | null;
  paused_ms: number;
  undo_at: number | null;
  ended_at: number | null;
}

export function taskRow(row: Selectable<TaskTable>): TaskRow {
  return {
    ...row,
    input: inputSchema.parse(JSON.parse(row.input)),
    progress: progressSchema.parse(JSON.parse(row.progress)),
    failure: row.failure === null ? null : failureSchema.parse(JSON.parse(row.failure)),
    created_at: Number(row.created_at),
    started_at: instant(row.started_at),
    clock_at: instant(row.clock_at),
    paused_ms: Number(row.paused_ms),
    undo_at: instant(row.undo_at),
    ended_at: instant(row.ended_at),
  };
}

/** `name`: of its instance. */
export function taskView(row: TaskRow, name: string): TaskView {
  const { input, progress } = row;
  const backupId = progress.backupId ?? input.backup;
  return {
    id: row.id,
    kind: row.kind,
    instanceId: row.instance_id,
    instanceName: name,
    status: row.status,
    ...(progress.step === undefined || row.status !== "running" ? {} : { step: progress.step }),
    ...(row.status === "running" && row.undo_at !== null ? { undoing: true } : {}),
    ...(input.type === undefined ? {} : { type: input.type }),
    ...(backupId === undefined ? {} : { backupId }),
    ...(input.label === undefined ? {} : { label: input.label }),
    ...(progress.before === undefined ? {} : { before: progress.before }),
    ...(row.failure === null || row.status === "running" ? {} : { failure: row.failure }),
    ...(row.requested_by === null ? {} : { requestedBy: row.requested_by }),
    ...(row.fleet_id === null ? {} : { fleetId: row.fleet_id }),
    ...(row.flow_id === null ? {} : { flowId: row.flow_id }),
    createdAt: iso(row.created_at),
    ...(row.started_at === null ? {} : { startedAt: iso(row.started_at) }),
    ...(row.ended_at === null ? {} : { endedAt: iso(row.ended_at) }),
  };
}
