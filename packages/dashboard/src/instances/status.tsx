import type { Instance } from "@provost/contract";
import {
  CircleCheck,
  CircleDashed,
  CircleOff,
  CircleX,
  HelpCircle,
  LoaderCircle,
  LogOut,
  Trash2,
  Unplug,
  type LucideIcon,
} from "lucide-react";
import { StatusBadge, type Tone } from "../ui/badge.tsx";

type Status = Instance["status"];

interface Look {
  tone: Tone;
  icon: LucideIcon;
  turning?: boolean;
}

const working: Look = { tone: "busy", icon: LoaderCircle, turning: true };

/** Every status as icon, word (the API's own) and colour. */
const looks: Record<Status, Look> = {
  requested: { tone: "busy", icon: CircleDashed },
  creating: working,
  provisioning: working,
  provisioned: { tone: "good", icon: CircleCheck },
  running: { tone: "good", icon: CircleCheck },
  stopped: { tone: "idle", icon: CircleOff },
  booting: working,
  rebooting: working,
  stopping: working,
  resizing: working,
  snapshotting: working,
  restoring: working,
  destroying: { tone: "warn", icon: LoaderCircle, turning: true },
  destroyed: { tone: "idle", icon: Trash2 },
  failed: { tone: "bad", icon: CircleX },
  missing: { tone: "warn", icon: Unplug },
  released: { tone: "idle", icon: LogOut },
};

export const statuses: readonly string[] = Object.keys(looks);

export function InstanceStatusBadge({ status, filled = false }: { status: Status; filled?: boolean }) {
  const { tone, icon, turning = false } = looks[status] ?? { tone: "idle" as const, icon: HelpCircle };
  return (
    <StatusBadge tone={tone} icon={icon} turning={turning} filled={filled}>
      {status}
    </StatusBadge>
  );
}

const stageSteps = ["requested", "creating", "booting", "configuring", "ready"] as const;

/**
 * How far the work on an instance is, in the steps of a deploy: `{ at: 3, of: 5, word: "booting" }`. Undefined when nothing is
 * under way. Other tasks tell no steps in a list, only what they are.
 */
export function progressOf({ task, status, stage }: Instance): { word: string; at?: number; of?: number } | undefined {
  if (task === undefined) return undefined;
  if (task.kind !== "deploy") return { word: task.kind };
  const word = stage ?? (status === "requested" ? "requested" : "creating");
  return { word, at: stageSteps.indexOf(word) + 1, of: stageSteps.length };
}

/** Why work that is under way does not move, in words. */
export function waitingWords({ waiting }: Instance): string | undefined {
  if (waiting === undefined) return undefined;
  if (waiting.for === "budget") return `waits for the provider's rate limit, place ${waiting.place} of ${waiting.of}`;
  return `waits for the provider to work again${waiting.reason === undefined ? "" : `: ${waiting.reason}`}`;
}
