import { roles, type FleetMember, type FleetView, type MemberStatus } from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import { instant, iso } from "../storage/rows.ts";
import type { FleetMemberTable, FleetTable } from "../storage/schema.ts";

/** In whose name a fleet command goes on, long after its request (C15). */
const actorSchema = z.object({ id: z.string(), name: z.string(), role: z.enum(roles), requestId: z.string() });
export type FleetActor = z.infer<typeof actorSchema>;

export interface FleetRow extends Omit<Selectable<FleetTable>, "actor" | "created_at" | "ended_at"> {
  actor: FleetActor | null;
  created_at: number;
  ended_at: number | null;
}

export type MemberCounts = Record<MemberStatus, number>;

export function fleetRow(row: Selectable<FleetTable>): FleetRow {
  return {
    ...row,
    actor: row.actor === null ? null : actorSchema.parse(JSON.parse(row.actor)),
    created_at: Number(row.created_at),
    ended_at: instant(row.ended_at),
  };
}

export function fleetView(row: FleetRow, members: MemberCounts): FleetView {
  return {
    id: row.id,
    action: row.action,
    ...(row.type === null ? {} : { type: row.type }),
    ...(row.filter === null ? {} : { filter: row.filter }),
    status: row.status,
    total: row.total,
    members,
    concurrency: row.concurrency,
    failuresMax: row.failures_max,
    ...(row.actor === null ? {} : { requestedBy: row.actor.name }),
    createdAt: iso(row.created_at),
    ...(row.ended_at === null ? {} : { endedAt: iso(row.ended_at) }),
  };
}

export function memberView(row: Selectable<FleetMemberTable>): FleetMember {
  return {
    instanceId: row.instance_id,
    name: row.name,
    status: row.status,
    ...(row.task_id === null ? {} : { taskId: row.task_id }),
    ...(row.code === null ? {} : { code: row.code }),
    ...(row.message === null ? {} : { message: row.message }),
    ...(row.started_at === null ? {} : { startedAt: iso(Number(row.started_at)) }),
    ...(row.ended_at === null ? {} : { endedAt: iso(Number(row.ended_at)) }),
  };
}
