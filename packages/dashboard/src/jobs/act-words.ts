import type { JobAction, JobsActed, JobStatusName } from "@provost/contract";
import { Ban, MoveRight, PauseCircle, Play, PlayCircle, RotateCcw, type LucideIcon } from "lucide-react";
import { count } from "../format/numbers.ts";

interface ActWords {
  label: string;
  icon: LucideIcon;
  /** What becomes of the jobs. */
  tells: string;
  danger?: true;
  /** From which statuses it may be taken; the server has the last word. */
  from: readonly JobStatusName[];
  /** It can be given to all that stands below it, too. */
  descendants?: true;
}

const unfinished: readonly JobStatusName[] = ["waiting", "delayed", "queued", "in_progress"];

export const actWords: Record<JobAction, ActWords> = {
  "run-now": {
    label: "Run now",
    icon: Play,
    tells:
      "Goes ahead of all others of its lane, past delay, priority, pause and rate. A closed gate and concurrency limits still hold.",
    from: ["delayed", "queued"],
  },
  retry: {
    label: "Retry",
    icon: RotateCcw,
    tells: "Runs again with a fresh budget of attempts and its first priority.",
    from: ["failed", "cancelled"],
  },
  move: {
    label: "Move",
    icon: MoveRight,
    tells: "To another queue, another priority, or both. What runs stays in its queue.",
    from: unfinished,
    descendants: true,
  },
  hold: {
    label: "Hold",
    icon: PauseCircle,
    tells: "Does not start until that is taken back. What runs ends first.",
    from: unfinished,
    descendants: true,
  },
  unhold: {
    label: "Unhold",
    icon: PlayCircle,
    tells: "May start again.",
    from: unfinished,
    descendants: true,
  },
  cancel: {
    label: "Cancel",
    icon: Ban,
    tells:
      "Does not run. What runs is asked to end, and may still be processed. What waits for it fails or goes on as its stage says.",
    danger: true,
    from: unfinished,
    descendants: true,
  },
};

/** Acts that this job would take now, as far as the page can tell. */
export function actsOf({ status, held = false }: { status: JobStatusName; held?: boolean | undefined }): JobAction[] {
  const all: JobAction[] = ["run-now", "retry", "move", held ? "unhold" : "hold", "cancel"];
  return all.filter((action) => actWords[action].from.includes(status));
}

/** What came of it, in a sentence: `12 applied, 3 asked to end, 1 refused`. */
export function actedWords({ applied, requested, refused }: JobsActed): string {
  const parts = [`${count(applied)} applied`];
  if (requested > 0) parts.push(`${count(requested)} asked to end`);
  if (refused > 0) parts.push(`${count(refused)} refused`);
  return parts.join(", ");
}
