import type { FleetMember, FleetView } from "@provost/contract";
import { Ban, Circle, CircleCheck, CircleDot, CircleMinus, CircleX, LoaderCircle } from "lucide-react";
import { counted } from "../format/numbers.ts";
import { StatusBadge } from "../ui/badge.tsx";

const fleetLooks = {
  running: { tone: "busy", icon: LoaderCircle, turning: true },
  done: { tone: "good", icon: CircleCheck, turning: false },
  stopped: { tone: "bad", icon: CircleX, turning: false },
  cancelled: { tone: "idle", icon: Ban, turning: false },
} as const;

export function FleetStatus({ fleet, filled = false }: { fleet: FleetView; filled?: boolean }) {
  const { tone, icon, turning } = fleetLooks[fleet.status];
  // Stopped or cancelled ones finish what has begun.
  const finishing = fleet.endedAt === undefined && fleet.status !== "running";
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning} filled={filled}>
      {finishing ? `${fleet.status}, finishing` : fleet.status}
    </StatusBadge>
  );
}

const memberLooks = {
  pending: { tone: "idle", icon: Circle, turning: false },
  running: { tone: "busy", icon: LoaderCircle, turning: true },
  done: { tone: "good", icon: CircleCheck, turning: false },
  unchanged: { tone: "idle", icon: CircleDot, turning: false },
  failed: { tone: "bad", icon: CircleX, turning: false },
  skipped: { tone: "idle", icon: CircleMinus, turning: false },
} as const;

export function MemberStatusBadge({ status }: { status: FleetMember["status"] }) {
  const { tone, icon, turning } = memberLooks[status];
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning}>
      {status}
    </StatusBadge>
  );
}

/** How many of all have been tried. */
export function triedOf({ members, total }: FleetView): number {
  return Math.min(total, members.done + members.unchanged + members.failed + members.skipped);
}

export function FleetProgress({ fleet }: { fleet: FleetView }) {
  const tried = triedOf(fleet);
  return (
    <span className="flex min-w-0 items-center gap-2">
      <progress
        value={tried}
        max={Math.max(1, fleet.total)}
        aria-label={`${tried} of ${fleet.total}`}
        className="progress h-1.5 w-24 shrink-0"
      />
      <span className="truncate text-muted">
        {tried} of {fleet.total}
        {fleet.members.failed > 0 && <span className="text-bad"> · {counted(fleet.members.failed, "failure")}</span>}
      </span>
    </span>
  );
}
