import type { Instance, InstanceStatus } from "@provost/contract";
import { costOf } from "./cost.ts";

/** The part of an instance's row that this is about. */
export interface Standing {
  status: InstanceStatus;
  provider_id: string | null;
  accepted_at: number | null;
  archived_at: number | null;
  monthly_usd: number | null;
  hourly_usd: number | null;
}

/** C8: what stands at the provider of a failed instance; undefined where there is no server, or it is no failed one's. */
export function tombstone(row: Standing, nowMs: number, keptMs: number): Instance["tombstone"] {
  if (row.status !== "failed" || row.provider_id === null || row.archived_at === null) return undefined;
  const since = row.accepted_at ?? row.archived_at;
  const cost = costOf(row, nowMs - since);
  return {
    billedSince: new Date(since).toISOString(),
    ...(cost === undefined ? {} : { costUsd: cost }),
    expiresAt: new Date(row.archived_at + keptMs).toISOString(),
  };
}
