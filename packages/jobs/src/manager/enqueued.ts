import { JobsError } from "../core/errors.ts";
import type { JobId } from "../core/job.ts";
import type { Enqueued } from "../transporters/transporter.ts";

/**
 * `existing`: an unfinished one holds the unique key, its ids are given, and nothing was added (L17). `replaced`: that job, never started,
 * is now what was enqueued.
 */
export interface EnqueuedJob {
  id: JobId;
  state: "added" | "existing" | "replaced";
}

/** As `EnqueuedJob`, of a flow. */
export interface EnqueuedFlow {
  id: JobId;
  state: "added" | "existing";
  /** In the order of the flow: a nested flow's jobs stand behind its first one. */
  jobIds: JobId[];
}

export function jobOf({ ids, state }: Enqueued): EnqueuedJob {
  const [id] = ids;
  if (id === undefined)
    throw new JobsError("store_unavailable", "the store gave no id for a job: look for it before repeating");
  return { id, state };
}

export function flowOf({ ids, state, flowId }: Enqueued): EnqueuedFlow {
  // The holder of the unique key may be a job of its own: then that is what is named.
  const id = flowId ?? ids[0];
  if (id === undefined)
    throw new JobsError("store_unavailable", "the store gave no id for a flow: look for it before repeating");
  return { id, state: state === "added" ? state : "existing", jobIds: ids };
}
