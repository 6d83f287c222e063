import { JobsError } from "../core/errors.ts";
import type { Lane } from "../core/job.ts";
import type { JobDefinition } from "../core/request.ts";

/** The jobs a manager has handlers for, and the queues that follow from them. */
export interface Registry {
  definitions: ReadonlyMap<string, JobDefinition>;
  /** All of them, asked for in every queue: a job that was moved to another queue is still run from the old one. */
  names: string[];
  served: readonly { queue: string; lane: Lane }[];
  queues: ReadonlySet<string>;
}

/** @throws JobsError `invalid_definition` when two definitions have one name. */
export function registryOf(jobs: readonly JobDefinition[]): Registry {
  const definitions = new Map<string, JobDefinition>();
  const served = new Map<string, { queue: string; lane: Lane }>();
  for (const job of jobs) {
    if (definitions.has(job.name)) {
      throw new JobsError("invalid_definition", `two jobs are named ${JSON.stringify(job.name)}: rename one of them`);
    }
    definitions.set(job.name, job);
    served.set(JSON.stringify([job.queue, job.lane]), { queue: job.queue, lane: job.lane });
  }
  return {
    definitions,
    names: [...definitions.keys()],
    served: [...served.values()],
    queues: new Set(jobs.map(({ queue }) => queue)),
  };
}
