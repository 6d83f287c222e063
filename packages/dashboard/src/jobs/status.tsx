import type { JobStatusName } from "@provost/contract";
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  Pause,
  type LucideIcon,
} from "lucide-react";
import { StatusBadge, Tag, type Tone } from "../ui/badge.tsx";
import { statusTells } from "./words.ts";

interface Look {
  tone: Tone;
  icon: LucideIcon;
  turning?: boolean;
}

/** Every status as icon, word (the API's own) and colour. */
export const statusLooks: Record<JobStatusName, Look> = {
  waiting: { tone: "idle", icon: Hourglass },
  delayed: { tone: "warn", icon: Clock },
  queued: { tone: "idle", icon: CircleDashed },
  in_progress: { tone: "busy", icon: LoaderCircle, turning: true },
  processed: { tone: "good", icon: CircleCheck },
  failed: { tone: "bad", icon: CircleX },
  cancelled: { tone: "idle", icon: Ban },
};

export function JobStatusBadge({ status, filled = false }: { status: JobStatusName; filled?: boolean }) {
  const { tone, icon, turning = false } = statusLooks[status];
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning} filled={filled} title={statusTells[status]}>
      {status}
    </StatusBadge>
  );
}

/** What is done to it by hand. */
export function JobMarks({
  held,
  cancelRequested,
}: {
  held?: boolean | undefined;
  cancelRequested?: boolean | undefined;
}) {
  return (
    <>
      {held === true && <Tag title="Held by hand: it does not start before that is taken back">held</Tag>}
      {cancelRequested === true && <Tag title="It runs, and is asked to end">ending</Tag>}
    </>
  );
}

export function PausedBadge() {
  return (
    <StatusBadge tone="warn" icon={Pause}>
      paused
    </StatusBadge>
  );
}
