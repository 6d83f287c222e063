import type { JobView } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import { useNow } from "../format/clock.ts";
import { absoluteTime, exactDuration, relativeTime, shortDuration } from "../format/time.ts";
import type { Column } from "../list/columns.ts";
import { TwoLines } from "../list/two-lines.tsx";
import { Tag } from "../ui/badge.tsx";
import { JobMarks, JobStatusBadge } from "./status.tsx";

function NameCell({ job }: { job: JobView }) {
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Link
        to="/jobs/$id"
        params={{ id: job.id }}
        className="truncate rounded-sm font-medium hover:text-accent-text hover:underline"
      >
        {job.name}
      </Link>
      {job.lane === "long" && <Tag title="In the long lane">long</Tag>}
      <JobMarks {...job} />
    </span>
  );
}

/** The priority, and what it was before decay: `80` with `100` beside it. */
export function PriorityCell({ priority, basePriority }: Pick<JobView, "priority" | "basePriority">) {
  if (priority === basePriority) return priority;
  return (
    <span title={`Given as ${basePriority}; failed attempts have lowered it`}>
      <span className="text-faint line-through">{basePriority}</span> {priority}
    </span>
  );
}

export function AttemptsCell({
  attemptsUsed,
  attempts,
  status,
}: Pick<JobView, "attemptsUsed" | "attempts" | "status">) {
  const low = attemptsUsed >= attempts && status !== "processed";
  return (
    <span className={low ? "text-bad" : undefined} title={`${attemptsUsed} of ${attempts} attempts used`}>
      {attemptsUsed}
      <span className="text-faint">/{attempts}</span>
    </span>
  );
}

/** The one time that matters in its status, in words. */
export function TimeCell({ job }: { job: JobView }) {
  const now = useNow();
  const { word, at, ahead } = timeOf(job);
  if (at === undefined) return <span className="text-faint">–</span>;
  const instant = Date.parse(at);
  const words =
    ahead === true && instant <= now + 5_000
      ? "due now"
      : word === "ended" || ahead === true
        ? `${word} ${relativeTime(instant, now)}`
        : `${word} ${shortDuration(now - instant)}`;
  return (
    <time dateTime={at} title={absoluteTime(instant)} className="whitespace-nowrap text-muted">
      {words}
    </time>
  );
}

function timeOf({ status, createdAt, readyAt, startedAt, finishedAt }: JobView): {
  word: string;
  at: string | undefined;
  ahead?: true;
} {
  if (finishedAt !== undefined) return { word: "ended", at: finishedAt };
  if (status === "in_progress") return { word: "runs for", at: startedAt ?? readyAt };
  if (status === "delayed") return { word: "due", at: readyAt, ahead: true };
  return { word: "waits for", at: status === "waiting" ? createdAt : readyAt };
}

function TookCell({ startedAt, finishedAt }: JobView) {
  if (startedAt === undefined || finishedAt === undefined) return <span className="text-faint">–</span>;
  return exactDuration(Date.parse(finishedAt) - Date.parse(startedAt));
}

function FailureCell({ failure }: JobView) {
  if (failure === undefined) return null;
  return (
    <span className="text-muted" title={`${failure.code}: ${failure.message}`}>
      {failure.message}
    </span>
  );
}

const failure: Column<JobView> = {
  id: "failure",
  header: "Failure",
  width: "minmax(200px, 6fr)",
  from: 1024,
  cell: (job) => <FailureCell {...job} />,
};

export const jobColumns: readonly Column<JobView>[] = [
  { id: "status", header: "Status", width: "112px", cell: ({ status }) => <JobStatusBadge status={status} /> },
  { id: "name", header: "Name", width: "minmax(160px, 2fr)", cell: (job) => <NameCell job={job} /> },
  { id: "queue", header: "Queue", width: "minmax(88px, 1fr)", from: 1024, cell: ({ queue }) => queue },
  { id: "priority", header: "Priority", width: "72px", align: "right", cell: (job) => <PriorityCell {...job} /> },
  { id: "attempts", header: "Attempts used", width: "96px", align: "right", cell: (job) => <AttemptsCell {...job} /> },
  { id: "took", header: "Took", width: "80px", align: "right", from: 1280, cell: (job) => <TookCell {...job} /> },
  { id: "time", header: "When", width: "112px", align: "right", cell: (job) => <TimeCell job={job} /> },
  {
    id: "id",
    header: "Id",
    width: "72px",
    align: "right",
    from: 1024,
    cell: ({ id }) => <span className="font-mono text-xs text-faint">{id}</span>,
  },
];

/** Of jobs that ended badly: what happened stands beside the name, in place of what matters to those that are to run. */
export const failedColumns: readonly Column<JobView>[] = jobColumns
  .filter(({ id }) => id !== "priority" && id !== "took")
  .toSpliced(2, 0, failure);

/** On a phone a row has two lines. */
export const phoneColumns: readonly Column<JobView>[] = [
  {
    id: "all",
    header: "Job",
    width: "minmax(0, 1fr)",
    cell: (job) => (
      <TwoLines
        name={<NameCell job={job} />}
        status={<JobStatusBadge status={job.status} />}
        about={`${job.id} · ${job.queue} · ${job.attemptsUsed}/${job.attempts}`}
        when={<TimeCell job={job} />}
      />
    ),
  },
];
