import type { ProcessView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Cpu } from "lucide-react";
import { shortDuration } from "../format/time.ts";
import { PlainTable } from "../jobs/plain-table.tsx";
import { processesQuery } from "../jobs/queries.ts";
import { useJobStream } from "../jobs/stream.ts";
import type { Column } from "../list/columns.ts";
import { Tag } from "../ui/badge.tsx";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { memory, ProcessBadge } from "./state.tsx";

function slots(running: number, all: number) {
  return (
    <span className={all === 0 ? "text-faint" : undefined}>
      {running}
      <span className="text-faint">/{all}</span>
    </span>
  );
}

const columns: readonly Column<ProcessView>[] = [
  {
    id: "host",
    header: "Host",
    width: "minmax(112px, 2fr)",
    cell: ({ id, host, pid, leader }) => (
      <span className="flex min-w-0 items-center gap-2">
        <Link
          to="/jobs/processes/$id"
          params={{ id }}
          className="truncate rounded-sm font-medium hover:text-accent-text hover:underline"
        >
          {host}
        </Link>
        <span className="font-mono text-xs text-faint">{pid}</span>
        {leader && <Tag title="Promotes, rescues, prunes and fires schedules for all">leader</Tag>}
      </span>
    ),
  },
  { id: "state", header: "State", width: "minmax(96px, 1fr)", cell: (process) => <ProcessBadge {...process} /> },
  {
    id: "short",
    header: "Short lane",
    width: "72px",
    align: "right",
    cell: ({ running, slots: all }) => slots(running.short, all.short),
  },
  {
    id: "long",
    header: "Long lane",
    width: "72px",
    align: "right",
    cell: ({ running, slots: all }) => slots(running.long, all.long),
  },
  {
    id: "rss",
    header: "Memory",
    width: "minmax(72px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ rssBytes }) => memory(rssBytes),
  },
  {
    id: "seen",
    header: "Lease age",
    width: "minmax(64px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ leaseAgeMs, seenAt }) => <span title={seenAt}>{shortDuration(leaseAgeMs)}</span>,
  },
  {
    id: "started",
    header: "Started",
    width: "minmax(80px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ startedAt }) => <RelativeTime at={startedAt} />,
  },
];

/** Who runs the jobs. */
export function ProcessesScreen() {
  const navigate = useNavigate();
  useJobStream();
  const { data, error, refetch } = useQuery(processesQuery);
  return (
    <>
      <PageHead title="Processes" />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data === undefined && error === null && <SkeletonRows rows={3} />}
      {data?.length === 0 && (
        <Empty icon={Cpu} title="No process runs jobs" command="provost start">
          Each server of Provost is one, and so is each worker of your own that opens the same store. Start one, and
          what waits goes on.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <div className="border-t border-line">
          <PlainTable
            label="Processes"
            columns={columns}
            rows={data}
            idOf={({ id }) => id}
            onOpen={({ id }) => void navigate({ to: "/jobs/processes/$id", params: { id } })}
          />
        </div>
      )}
    </>
  );
}
