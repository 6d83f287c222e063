import type { JobDetail } from "@provost/contract";
import type { Attempt, Job, JobStatus } from "@provost/jobs";
import { iso } from "../storage/rows.ts";

type Stretch = JobDetail["timeline"][number];
type Step = JobDetail["priorities"][number];

interface Span {
  status: JobStatus;
  from: number;
  to?: number;
  fence?: number;
  cause?: Attempt["cause"];
}

/**
 * The stretches of a job's life, from what is kept of it: its instants and its ended attempts. When it became ready is known of the
 * last time only; before an earlier attempt, the wait in the line is part of the stretch before it.
 */
export function timelineOf(job: Job, attempts: readonly Attempt[]): Stretch[] {
  const spans: Span[] = [];
  let at = job.createdAt;
  for (const { startedAt, endedAt, fence, cause } of attempts) {
    if (startedAt > at) spans.push({ status: spans.length === 0 ? "queued" : "delayed", from: at, to: startedAt });
    spans.push({ status: "in_progress", from: Math.max(at, startedAt), to: endedAt, fence, cause });
    at = Math.max(at, endedAt);
  }
  spans.push(...latest(job, at, attempts.length > 0));
  return spans.filter(({ from, to }) => to === undefined || to > from).map(stretch);
}

/** What came behind the last attempt that is on record, or what there is of a job that has none. */
function* latest(job: Job, at: number, again: boolean): Generator<Span> {
  const { status, readyAt, finishedAt } = job;
  const before = status === "waiting" || (job.flowId !== undefined && !again) ? "waiting" : "delayed";
  const startedAt = job.startedAt !== undefined && job.startedAt >= at ? job.startedAt : undefined;
  if (finishedAt !== undefined && startedAt === undefined) {
    if (finishedAt > at) yield { status: before, from: at, to: finishedAt };
    yield { status, from: Math.max(at, finishedAt) };
    return;
  }
  if (status === "waiting" || status === "delayed") {
    yield { status, from: at };
    return;
  }
  const ready = Math.max(at, readyAt);
  yield { status: before, from: at, to: ready };
  if (startedAt === undefined) {
    yield { status: "queued", from: ready };
    return;
  }
  yield { status: "queued", from: ready, to: startedAt };
  if (finishedAt === undefined) {
    // Claimed again and given back, it stands in line with the start of an attempt that was none.
    yield { status, from: startedAt, fence: job.fence };
    return;
  }
  yield { status: "in_progress", from: startedAt, to: finishedAt, fence: job.fence };
  yield { status, from: finishedAt };
}

function stretch({ status, from, to, fence, cause }: Span): Stretch {
  return {
    status,
    from: iso(from),
    ...(to === undefined ? {} : { to: iso(to) }),
    ...(fence === undefined ? {} : { fence }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** Priority over time (L4): each ended attempt tells what it found and what it left; what differs in between was changed by hand. */
export function prioritiesOf(job: Job, attempts: readonly Attempt[]): Step[] {
  const steps: (Omit<Step, "at"> & { at: number })[] = [
    { at: job.createdAt, priority: attempts[0]?.priorityBefore ?? job.priority, cause: "given" },
  ];
  const step = (at: number, priority: number, cause: Step["cause"]): void => {
    const last = steps.at(-1);
    if (last?.priority !== priority) steps.push({ at: Math.max(at, last?.at ?? 0), priority, cause });
  };
  for (const { startedAt, endedAt, priorityBefore, priorityAfter, cause } of attempts) {
    step(startedAt, priorityBefore, "changed");
    step(endedAt, priorityAfter, cause);
  }
  step(job.finishedAt ?? Math.max(job.readyAt, job.startedAt ?? 0), job.priority, "changed");
  return steps.map((each) => ({ ...each, at: iso(each.at) }));
}
