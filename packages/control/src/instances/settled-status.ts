import type { InstanceStatus } from "@provost/contract";
import type { ProviderStatus } from "../providers/provider.ts";
import type { InstanceRow } from "../storage/rows.ts";

const settled: ReadonlySet<InstanceStatus> = new Set(["provisioned", "running", "stopped", "missing"]);

/** At rest: no task of ours has its hands on it, and the provider's word is what counts. */
export function isSettled(row: Pick<InstanceRow, "status" | "task" | "archived_at">): boolean {
  return row.task === null && row.archived_at === null && settled.has(row.status);
}

/**
 * The status of an instance at rest, once the provider says `seen`. One that runs as it was provisioned stays `provisioned`
 * until it is first seen stopped; words on the way (booting, resizing, …) wait for where they lead.
 */
export function settledStatus(status: InstanceStatus, seen: ProviderStatus): InstanceStatus {
  if (seen === "stopped") return "stopped";
  if (seen === "running") return status === "provisioned" ? "provisioned" : "running";
  return status === "missing" ? "provisioned" : status;
}
