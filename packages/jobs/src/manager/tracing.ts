import { tracingChannel } from "node:diagnostics_channel";
import type { JobId, Lane } from "../core/job.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { Claimed } from "../transporters/transporter.ts";

/** What the subscribers of the tracing channel `provost.jobs.attempt` get; `result` is there from `asyncStart` on. */
export interface AttemptTrace {
  jobId: JobId;
  name: string;
  queue: string;
  lane: Lane;
  flowId: JobId | undefined;
  fence: number;
  /** Number of the attempt, from 1. */
  attempt: number;
  /** How long the job has been ready; by the store's clock at the claim. */
  readyAt: number;
  /** How the handler ended. It never rejects: an error is a kind of end. */
  result?: AttemptEnd;
}

const attempts = tracingChannel<unknown, AttemptTrace>("provost.jobs.attempt");

/** Somebody listens: without subscribers tracing costs nothing. */
export function isTraced(): boolean {
  return attempts.hasSubscribers;
}

/**
 * Runs an attempt inside the tracing channel, where spans and timers can be attached.
 *
 * @param run begins it and tells the end to what it is given.
 */
export async function traced(claimed: Claimed, run: (ended: (end: AttemptEnd) => void) => void): Promise<AttemptEnd> {
  const { id: jobId, name, queue, lane, flowId, fence, attemptsUsed, readyAt } = claimed;
  return await attempts.tracePromise(async () => await new Promise<AttemptEnd>(run), {
    jobId,
    name,
    queue,
    lane,
    flowId,
    fence,
    attempt: attemptsUsed + 1,
    readyAt,
  });
}
