import type { ScheduleTick } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import { exactDuration } from "../format/time.ts";
import { PlainTable } from "../jobs/plain-table.tsx";
import type { Column } from "../list/columns.ts";
import { RelativeTime } from "../ui/relative-time.tsx";
import { tickId } from "./queries.ts";
import { OutcomeBadge } from "./state.tsx";

/** How long its run took, or has taken. */
export function tickTook({ startedAt, finishedAt }: ScheduleTick): string {
  if (startedAt === undefined || finishedAt === undefined) return "–";
  return exactDuration(Date.parse(finishedAt) - Date.parse(startedAt));
}

export function TickJob({ jobId }: ScheduleTick) {
  if (jobId === undefined) return <span className="text-faint">–</span>;
  return (
    <Link to="/jobs/$id" params={{ id: jobId }} className="font-mono text-xs text-accent-text hover:underline">
      {jobId}
    </Link>
  );
}

export const outcome: Column<ScheduleTick> = {
  id: "outcome",
  header: "Outcome",
  width: "minmax(96px, 1fr)",
  cell: (tick) => <OutcomeBadge outcome={tick.outcome} />,
};
export const took: Column<ScheduleTick> = {
  id: "took",
  header: "Took",
  width: "minmax(56px, 1fr)",
  align: "right",
  cell: tickTook,
};
export const lag: Column<ScheduleTick> = {
  id: "lag",
  header: "Late by",
  width: "minmax(72px, 1fr)",
  align: "right",
  cell: ({ lagMs }) => (lagMs === undefined ? <span className="text-faint">–</span> : exactDuration(lagMs)),
};
export const job: Column<ScheduleTick> = {
  id: "job",
  header: "Job",
  width: "minmax(48px, 1fr)",
  align: "right",
  cell: (tick) => <TickJob {...tick} />,
};

export const shard: Column<ScheduleTick> = {
  id: "shard",
  header: "Shard",
  width: "48px",
  align: "right",
  from: 768,
  cell: (tick) => tick.shard,
};

const columns: readonly Column<ScheduleTick>[] = [
  outcome,
  { id: "due", header: "Due", width: "minmax(72px, 1fr)", cell: ({ dueAt }) => <RelativeTime at={dueAt} /> },
  { ...lag, from: 768 },
  took,
  job,
];

/** Its last runs, latest first. */
export function RecentRuns({ name, ticks, shards }: { name: string; ticks: readonly ScheduleTick[]; shards: number }) {
  if (ticks.length === 0)
    return <p className="text-muted">It has not been due yet; “Run now” does not wait for that.</p>;
  return (
    <div>
      <PlainTable
        label="Recent runs"
        columns={shards > 1 ? columns.toSpliced(2, 0, shard) : columns}
        rows={ticks.slice(0, 10)}
        idOf={tickId}
        flush
      />
      <p className="pt-2">
        <Link
          to="/jobs/schedules/$name"
          params={{ name }}
          search={{ tab: "log" }}
          className="text-accent-text hover:underline"
        >
          All ticks, in the scheduler's log
        </Link>
      </p>
    </div>
  );
}
