import type { ScheduleTick, ScheduleView } from "@provost/contract";
import { CalendarCheck, CalendarX, Pause, SkipForward, TimerOff } from "lucide-react";
import { statusLooks } from "../jobs/status.tsx";
import { StatusBadge, type Tone } from "../ui/badge.tsx";
import type { LucideIcon } from "lucide-react";

const states: Record<ScheduleView["state"], { tone: Tone; icon: LucideIcon; tells: string }> = {
  active: { tone: "good", icon: CalendarCheck, tells: "It ticks" },
  paused: { tone: "warn", icon: Pause, tells: "Paused by hand: it does not tick until it is resumed" },
  unwanted: { tone: "idle", icon: CalendarX, tells: "No process has it in its code any more: it does not tick" },
};

export function ScheduleBadge({ state, filled = false }: { state: ScheduleView["state"]; filled?: boolean }) {
  const { tone, icon, tells } = states[state];
  return (
    <StatusBadge tone={tone} icon={icon} title={tells} filled={filled}>
      {state}
    </StatusBadge>
  );
}

const outcomes: Record<ScheduleTick["outcome"], { tone: Tone; icon: LucideIcon; turning?: boolean; tells: string }> = {
  fired: { ...statusLooks.in_progress, tells: "Its run has not ended" },
  processed: { ...statusLooks.processed, tells: "Its run ended as it should" },
  failed: { ...statusLooks.failed, tells: "Its run failed" },
  cancelled: { ...statusLooks.cancelled, tells: "Its run was cancelled" },
  skipped: { tone: "idle", icon: SkipForward, tells: "The run before had not ended" },
  missed: { tone: "warn", icon: TimerOff, tells: "Nobody was there to fire it" },
};

export function OutcomeBadge({ outcome }: { outcome: ScheduleTick["outcome"] }) {
  const { tone, icon, turning = false, tells } = outcomes[outcome];
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning} title={tells}>
      {outcome}
    </StatusBadge>
  );
}
