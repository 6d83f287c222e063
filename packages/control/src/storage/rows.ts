import { failureSchema, stages, type Failure, type Instance, type InstanceEvent, type Stage } from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import { tombstone } from "../instances/tombstone.ts";
import { defaultTimings } from "../options.ts";
import type { InstanceEventTable, InstanceTable } from "./schema.ts";

/** An instance's row with its instants and JSON read. */
export type InstanceRow = Omit<Selectable<InstanceTable>, keyof ReadColumns> &
  ReadColumns & {
    /** When a sweep last read its place; only where it was asked for. */
    swept_at?: number | null;
  };

interface ReadColumns {
  ssh_keys: string[];
  tags: string[];
  ipv4: string[];
  ipv6: string[];
  failure: Failure | null;
  boot_failure: BootFailure | null;
  create_called_at: number | null;
  unknown_since: number | null;
  accepted_at: number | null;
  active_at: number | null;
  observed_at: number | null;
  token_expires_at: number | null;
  created_at: number;
  provisioned_at: number | null;
  archived_at: number | null;
}

/** What an instance reported as failed (C6). */
export interface BootFailure {
  step: string;
  exitCode?: number | undefined;
  log?: string | undefined;
}

const texts = z.array(z.string());
const bootFailureSchema = z.object({
  step: z.string(),
  exitCode: z.number().optional(),
  log: z.string().optional(),
});

export function instanceRow(row: Selectable<InstanceTable>): InstanceRow {
  return {
    ...row,
    ssh_keys: texts.parse(JSON.parse(row.ssh_keys)),
    tags: texts.parse(JSON.parse(row.tags)),
    ipv4: texts.parse(JSON.parse(row.ipv4)),
    ipv6: texts.parse(JSON.parse(row.ipv6)),
    failure: row.failure === null ? null : failureSchema.parse(JSON.parse(row.failure)),
    boot_failure: row.boot_failure === null ? null : bootFailureSchema.parse(JSON.parse(row.boot_failure)),
    create_called_at: instant(row.create_called_at),
    unknown_since: instant(row.unknown_since),
    accepted_at: instant(row.accepted_at),
    active_at: instant(row.active_at),
    observed_at: instant(row.observed_at),
    token_expires_at: instant(row.token_expires_at),
    created_at: Number(row.created_at),
    provisioned_at: instant(row.provisioned_at),
    archived_at: instant(row.archived_at),
  };
}

/** PostgreSQL's client hands a bigint over as text. */
export function instant(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}

/** The stage by its number; undefined for 0, none. */
export function stageOf(number: number): Stage | undefined {
  return stages[number - 1];
}

export function stageNumber(stage: Stage): number {
  return stages.indexOf(stage) + 1;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function instanceView(
  row: InstanceRow,
  now = Date.now(),
  tombstoneKeptMs = defaultTimings.tombstoneKeptMs,
): Instance {
  const stage = stageOf(row.stage);
  const standing = tombstone(row, now, tombstoneKeptMs);
  return {
    id: row.id,
    name: row.name,
    provider: row.provider,
    status: row.status,
    ...(stage === undefined ? {} : { stage }),
    region: row.region,
    type: row.type,
    image: row.image,
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    providerName: row.provider_name,
    ...(row.observed_text === null || row.observed_at === null
      ? {}
      : { observed: { status: row.observed_text, at: iso(Math.max(row.observed_at, row.swept_at ?? 0)) } }),
    ipv4: row.ipv4,
    ipv6: row.ipv6,
    ...(row.monthly_usd === null ? {} : { monthlyUsd: row.monthly_usd }),
    ...(row.builder_of === null ? {} : { builderOf: row.builder_of }),
    ...(row.flow_id === null ? {} : { flowId: row.flow_id }),
    desired: row.desired,
    ...(row.task === null ? {} : { task: { kind: row.task, ...(row.task_id === null ? {} : { id: row.task_id }) } }),
    protected: row.protected === 1,
    tags: row.tags,
    rootPassword: row.root_password_state,
    ...(row.failure === null ? {} : { failure: row.failure }),
    ...(standing === undefined ? {} : { tombstone: standing }),
    createdAt: iso(row.created_at),
    ...(row.provisioned_at === null ? {} : { provisionedAt: iso(row.provisioned_at) }),
    ...(row.archived_at === null ? {} : { archivedAt: iso(row.archived_at) }),
  };
}

export function eventView(row: Selectable<InstanceEventTable>): InstanceEvent {
  return {
    seq: Number(row.seq),
    instanceId: row.instance_id,
    at: iso(Number(row.at)),
    kind: row.kind,
    message: row.message,
    ...(row.stage === null ? {} : { stage: row.stage }),
    ...(row.task_id === null ? {} : { taskId: row.task_id }),
    ...(row.log === null ? {} : { log: row.log }),
  };
}
