import type { JobActResult, JobAction, JobFilter, JobMoveRequest, JobsActed, JobsActPreview } from "@provost/contract";
import { api, part } from "../api/client.ts";
import { ApiError } from "../api/problem.ts";
import { queryClient } from "../api/queries.ts";

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

/** What was done shows at once, whether the stream is paused or not. */
export function readAgain(): Promise<void> {
  return queryClient.invalidateQueries({
    predicate: ({ meta }) => meta?.live?.some((topic) => topic.startsWith("job")) === true,
  });
}
