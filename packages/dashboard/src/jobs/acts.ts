import type {
  JobActResult,
  JobAction,
  JobFilter,
  JobMoveRequest,
  JobsActed,
  JobsActPreview,
  JobStatusName,
} from "@provost/contract";
import { Ban, MoveRight, PauseCircle, Play, PlayCircle, RotateCcw, type LucideIcon } from "lucide-react";
import { api, part } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { queryClient } from "../api/queries.ts";

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

export interface ActOptions {
  queue?: string;
  priority?: number;
  descendants?: boolean;
}

/** @throws ApiError `job_refused` with the reason, `job_not_found`. */
export function actOn(id: string, action: JobAction, options: ActOptions = {}): Promise<JobActResult> {
  const body: JobMoveRequest = options;
  return api.post<JobActResult>(`jobs/${part(id)}/${action}`, body);
}

export function previewAct(
  action: JobAction,
  filter: JobFilter,
  to: ActOptions,
  signal?: AbortSignal,
): Promise<JobsActPreview> {
  return api.post<JobsActPreview>(
    "jobs/actions/preview",
    { action, ...to, filter },
    signal === undefined ? {} : { signal },
  );
}

/** On exactly those that the preview counted. @throws ApiError `jobs_changed` when more fit by now, `jobs_too_many`. */
export function actOnAll(
  action: JobAction,
  filter: JobFilter,
  to: ActOptions,
  preview: JobsActPreview,
): Promise<JobsActed> {
  return api.post<JobsActed>("jobs/actions", {
    action,
    ...to,
    filter,
    count: preview.count,
    through: preview.through,
  });
}

const atOnce = 6;

/** On chosen jobs, one request each, told as one. A refusal of one stops none of the others; a failing server stops all. */
export async function actOnEach(
  action: JobAction,
  ids: readonly string[],
  to: ActOptions,
  onProgress: (done: number) => void,
): Promise<JobsActed> {
  const acted: JobsActed = { matched: ids.length, applied: 0, requested: 0, refused: 0, reasons: {} };
  const rest = ids.values();
  let done = 0;
  const work = async (): Promise<void> => {
    for (const id of rest) {
      try {
        const { state } = await actOn(id, action, to);
        acted[state]++;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500 || error.status === 401)
          throw error;
        acted.refused++;
        acted.reasons[error.detail] = (acted.reasons[error.detail] ?? 0) + 1;
      }
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, ids.length) }, work));
  return acted;
}

/** What came of it, in a sentence: `12 applied, 3 asked to end, 1 refused`. */
export function actedWords({ applied, requested, refused }: JobsActed): string {
  const parts = [`${applied.toLocaleString("en-US")} applied`];
  if (requested > 0) parts.push(`${requested.toLocaleString("en-US")} asked to end`);
  if (refused > 0) parts.push(`${refused.toLocaleString("en-US")} refused`);
  return parts.join(", ");
}

/** What was done shows at once, whether the stream is paused or not. */
export function readAgain(): Promise<void> {
  return queryClient.invalidateQueries({
    predicate: ({ meta }) => meta?.live?.some((topic) => topic.startsWith("job")) === true,
  });
}
