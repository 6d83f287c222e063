import { tracingChannel } from "node:diagnostics_channel";
import type { JobId, Lane } from "../core/job.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition } from "../core/request.ts";
import type { AttemptHost, Process } from "../processes/process.ts";
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

/** Runs an attempt inside the tracing channel, where spans and timers can be attached; without subscribers it costs nothing. */
export function traced(
  claimed: Claimed,
  process: Process,
  definition: JobDefinition,
  host: AttemptHost,
): Promise<AttemptEnd> {
  if (!attempts.hasSubscribers) return process.run(definition, claimed, host);
  const { id: jobId, name, queue, lane, flowId, fence, attemptsUsed, readyAt } = claimed;
  return attempts.tracePromise(() => process.run(definition, claimed, host), {
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
