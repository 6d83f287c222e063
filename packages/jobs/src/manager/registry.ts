import { JobsError } from "../core/errors.ts";
import type { Lane, ProcessKind } from "../core/job.ts";
import type { JobDefinition } from "../core/request.ts";

/** What one request of a claim asks for: a queue's jobs that run in one kind of process. */
export interface ServedLine {
  queue: string;
  lane: Lane;
  process: ProcessKind;
  /** All of that kind, asked for in every queue: a job that was moved to another queue is still run from the old one. */
  names: string[];
}

/** The jobs a manager has handlers for, and the queues that follow from them. */
export interface Registry {
  definitions: ReadonlyMap<string, JobDefinition>;
  names: string[];
  served: readonly ServedLine[];
  queues: ReadonlySet<string>;
}

/** @throws JobsError `invalid_definition` when two definitions have one name. */
export function registryOf(jobs: readonly JobDefinition[]): Registry {
  const definitions = new Map<string, JobDefinition>();
  const served = new Map<string, ServedLine>();
  for (const job of jobs) {
    if (definitions.has(job.name)) {
      throw new JobsError("invalid_definition", `two jobs are named ${JSON.stringify(job.name)}: rename one of them`);
    }
    definitions.set(job.name, job);
  }
  for (const { queue, lane } of jobs) {
    for (const process of ["inline", "thread", "process"] as const) {
      const names = jobs.filter((job) => job.process === process).map(({ name }) => name);
      // A lane without a pool of that kind could not run what it claims.
      const isServed = process === "inline" || jobs.some((job) => job.process === process && job.lane === lane);
      if (names.length > 0 && isServed) {
        served.set(JSON.stringify([queue, lane, process]), { queue, lane, process, names });
      }
    }
  }
  return {
    definitions,
    names: [...definitions.keys()],
    served: [...served.values()],
    queues: new Set(jobs.map(({ queue }) => queue)),
  };
}
