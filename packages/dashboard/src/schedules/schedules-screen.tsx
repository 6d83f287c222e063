import type { ScheduleView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";
import { PlainTable } from "../jobs/plain-table.tsx";
import { useJobStream } from "../jobs/stream.ts";
import type { Column } from "../list/columns.ts";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { schedulesQuery } from "./queries.ts";
import { ScheduleBadge } from "./state.tsx";

const columns: readonly Column<ScheduleView>[] = [
  {
    id: "name",
    header: "Schedule",
    width: "minmax(120px, 2fr)",
    cell: ({ name }) => (
      <Link
        to="/jobs/schedules/$name"
        params={{ name }}
        className="rounded-sm font-medium hover:text-accent-text hover:underline"
      >
        {name}
      </Link>
    ),
  },
  { id: "state", header: "State", width: "96px", cell: ({ state }) => <ScheduleBadge state={state} /> },
  {
    id: "rule",
    header: "Rule",
    width: "minmax(120px, 2fr)",
    from: 768,
    cell: ({ words, rule }) => <span title={rule}>{words}</span>,
  },
  {
    id: "next",
    header: "Next run",
    width: "minmax(72px, 1fr)",
    cell: ({ nextDueAt, state }) =>
      state === "active" ? <RelativeTime at={nextDueAt} /> : <span className="text-faint">–</span>,
  },
  { id: "queue", header: "Queue", width: "minmax(88px, 1fr)", from: 1024, cell: ({ queue }) => queue },
  {
    id: "shards",
    header: "Shards",
    width: "56px",
    align: "right",
    from: 768,
    cell: ({ shards }) => <span className={shards === 1 ? "text-faint" : undefined}>{shards}</span>,
  },
];

/** What recurs. */
export function SchedulesScreen() {
  const navigate = useNavigate();
  useJobStream();
  const { data, error, refetch } = useQuery(schedulesQuery);
  return (
    <>
      <PageHead title="Schedules" />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data === undefined && error === null && <SkeletonRows />}
      {data?.length === 0 && (
        <Empty icon={CalendarClock} title="No schedules">
          A schedule comes from the code of a process: <code className="font-mono text-xs">defineSchedule</code> in a
          worker of your own, or a server of Provost, which has its sweeps.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <div className="border-t border-line">
          <PlainTable
            label="Schedules"
            columns={columns}
            rows={data}
            idOf={({ name }) => name}
            onOpen={({ name }) => void navigate({ to: "/jobs/schedules/$name", params: { name } })}
          />
        </div>
      )}
    </>
  );
}
