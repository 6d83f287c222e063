import type { JobAttemptView, JobDetail, JobLogLine, JobView, PayloadView } from "@provost/contract";
import type { Attempt, Job, JobBrief, JobFailure, JobProgress, LogLine } from "@provost/jobs";
import { withoutSecrets } from "../access/audit-line.ts";
import { iso } from "../storage/rows.ts";
import { prioritiesOf, timelineOf } from "./job-story.ts";

/** What is longer is told by its size alone (L14). */
const payloadBytesShown = 64 * 1024;
const lineCharactersMax = 300;

export function jobView(job: JobBrief | Job): JobView {
  return {
    id: job.id,
    name: job.name,
    queue: job.queue,
    lane: job.lane,
    status: job.status,
    priority: job.priority,
    basePriority: job.basePriority,
    attempts: job.attempts,
    attemptsUsed: job.attemptsUsed,
    createdAt: iso(job.createdAt),
    readyAt: iso(job.readyAt),
    ...(job.startedAt === undefined ? {} : { startedAt: iso(job.startedAt) }),
    ...(job.finishedAt === undefined ? {} : { finishedAt: iso(job.finishedAt) }),
    ...(job.claimedBy === undefined ? {} : { process: job.claimedBy }),
    ...(job.flowId === undefined ? {} : { flowId: job.flowId }),
    ...(job.parentId === undefined ? {} : { parentId: job.parentId }),
    ...(job.uniqueKey === undefined ? {} : { uniqueKey: job.uniqueKey }),
    ...(job.wakeKey === undefined ? {} : { wakeKey: job.wakeKey }),
    ...(job.limitKey === undefined ? {} : { limitKey: job.limitKey }),
    ...(job.heldAt === undefined ? {} : { held: true }),
    ...(job.cancelRequested && job.status === "in_progress" ? { cancelRequested: true } : {}),
    ...(job.failure === undefined ? {} : { failure: shortFailure(job.failure) }),
  };
}

export function shortFailure({ code, message }: JobFailure): { code: string; message: string } {
  return { code, message: (message.split("\n", 1)[0] ?? "").slice(0, lineCharactersMax) };
}

/** Only what a secret's name does not give away is shown (C15). */
export function jobDetail(job: Job, attempts: readonly Attempt[], progress: JobProgress | undefined): JobDetail {
  const { failure, result, leaseUntil, gateForcedBy } = job;
  return {
    ...jobView(job),
    input: payloadView(job.input),
    ...(result === undefined ? {} : { result: payloadView(result) }),
    ...(failure === undefined ? {} : { failure: fullFailure(failure) }),
    crashes: job.crashes,
    timeoutMs: job.timeoutMs,
    ...(leaseUntil === undefined || job.status !== "in_progress" ? {} : { leaseUntil: iso(leaseUntil) }),
    ...(gateForcedBy === undefined ? {} : { gateForcedBy }),
    ...(progress === undefined ? {} : { progress: { value: withoutSecrets(progress.value), at: iso(progress.at) } }),
    timeline: timelineOf(job, attempts),
    attemptList: attempts.map(attemptView),
    priorities: prioritiesOf(job, attempts),
  };
}

function payloadView(text: string): PayloadView {
  const bytes = Buffer.byteLength(text);
  return bytes > payloadBytesShown ? { bytes } : { bytes, value: withoutSecrets(JSON.parse(text)) };
}

function fullFailure({ code, message, stack, details }: JobFailure): NonNullable<JobDetail["failure"]> {
  return {
    code,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(details === undefined ? {} : { details: withoutSecrets(details) }),
  };
}

function attemptView(attempt: Attempt, index: number): JobAttemptView {
  const { fence, cause, claimedBy, startedAt, endedAt, priorityBefore, priorityAfter, failure } = attempt;
  return {
    attempt: index + 1,
    fence,
    cause,
    process: claimedBy,
    startedAt: iso(startedAt),
    endedAt: iso(endedAt),
    priorityBefore,
    priorityAfter,
    ...(failure === undefined
      ? {}
      : {
          failure: {
            code: failure.code,
            message: failure.message,
            ...(failure.stack === undefined ? {} : { stack: failure.stack }),
          },
        }),
  };
}

export function logLineView({ seq, at, fence, stream, message, fields }: LogLine): JobLogLine {
  return {
    seq,
    at: iso(at),
    fence,
    stream,
    message,
    ...(fields === undefined ? {} : { fields: fieldsOf(fields) }),
  };
}

function fieldsOf(text: string): Record<string, unknown> {
  const fields: unknown = withoutSecrets(JSON.parse(text));
  return typeof fields === "object" && fields !== null ? { ...fields } : {};
}
