import type { Instance, InstanceStatus } from "@provost/contract";

const hourMs = 3_600_000;
/** What providers call a month: 365 days of 24 hours, by twelve. */
const monthHours = 730;

/** The part of an instance's row that this is about. */
export interface Standing {
  status: InstanceStatus;
  provider_id: string | null;
  accepted_at: number | null;
  archived_at: number | null;
  monthly_usd: number | null;
}

/** C8: what stands at the provider of a failed instance; undefined where there is no server, or it is no failed one's. */
export function tombstone(row: Standing, nowMs: number, keptMs: number): Instance["tombstone"] {
  if (row.status !== "failed" || row.provider_id === null || row.archived_at === null) return undefined;
  const since = row.accepted_at ?? row.archived_at;
  return {
    billedSince: new Date(since).toISOString(),
    ...(row.monthly_usd === null ? {} : { costUsd: costUsd(row.monthly_usd, since, nowMs) }),
    expiresAt: new Date(row.archived_at + keptMs).toISOString(),
  };
}

/**
 * Each hour that has begun costs its part of the month's price, and no month more than that price. In whole cents, rounded up: an
 * estimate for people, who find the bill at their provider.
 */
export function costUsd(monthlyUsd: number, sinceMs: number, nowMs: number): number {
  const hours = Math.ceil(Math.max(nowMs - sinceMs, 1) / hourMs);
  return Math.ceil(Number(((monthlyUsd / monthHours) * hours * 100).toFixed(6))) / 100;
}
