import { LinodeApiError } from "../errors.ts";
import type { InstanceRecord } from "./record.ts";
import { BUSY, isPassing } from "./transitions.ts";

/** Throws Linode's 400 while the instance changes its state or a snapshot of it is taken; else it is at rest. */
export function refuseBusy(record: InstanceRecord): "running" | "offline" {
  const { status } = record;
  if (isPassing(status) || record.snapshots.some(({ finishedMs }) => finishedMs === 0)) {
    throw new LinodeApiError(400, [{ reason: BUSY }]);
  }
  return status;
}
