import type { QueueView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ListOrdered } from "lucide-react";
import { useMay } from "../api/session.ts";
import { PlainTable } from "../jobs/plain-table.tsx";
import { queuesQuery } from "../jobs/queries.ts";
import { PausedBadge } from "../jobs/status.tsx";
import { useJobStream } from "../jobs/stream.ts";
import type { Column } from "../list/columns.ts";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { figure, ready, waits } from "./depth-columns.tsx";
import { limitWords } from "./limits.ts";
import { PauseButton } from "./pause-button.tsx";
import { UseBar } from "./use-bar.tsx";

const columns: readonly Column<QueueView>[] = [
  {
    id: "name",
    header: "Queue",
    width: "minmax(104px, 2fr)",
    cell: ({ name, paused }) => (
      <span className="flex min-w-0 items-center gap-2">
        <Link
          to="/jobs/queues/$name"
          params={{ name }}
          className="truncate rounded-sm font-medium hover:text-accent-text hover:underline"
        >
          {name}
        </Link>
        {paused && <PausedBadge />}
      </span>
    ),
  },
  {
    id: "use",
    header: "Use",
    width: "112px",
    from: 768,
    cell: ({ name, use }) => <UseBar use={use} label={`Use of ${name}`} />,
  },
  {
    id: "limits",
    header: "Limits",
    width: "minmax(120px, 2fr)",
    from: 1024,
    cell: ({ limits }) => <span className="text-muted">{limitWords(limits)}</span>,
  },
  {
    id: "running",
    header: "Running",
    width: "minmax(56px, 1fr)",
    align: "right",
    cell: ({ running }) => figure(running),
  },
  ready,
  {
    id: "delayed",
    header: "Delayed",
    width: "minmax(56px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ delayed }) => figure(delayed),
  },
  ...waits,
  {
    id: "processes",
    header: "Processes",
    width: "72px",
    align: "right",
    from: 1024,
    cell: ({ processes }) => figure(processes),
  },
];

const actions: Column<QueueView> = {
  id: "actions",
  header: "Pause",
  width: "40px",
  align: "right",
  cell: ({ name, paused }) => <PauseButton name={name} paused={paused} icon />,
};

/** Queues: how full they are, who waits longest, what holds them back. */
export function QueuesScreen() {
  const navigate = useNavigate();
  useJobStream();
  const mayAct = useMay("operator");
  const { data, error, refetch } = useQuery(queuesQuery);
  return (
    <>
      <PageHead title="Queues" />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data === undefined && error === null && <SkeletonRows />}
      {data?.length === 0 && (
        <Empty icon={ListOrdered} title="No queues yet" command="provost deploy web-1 --provider sandbox">
          A queue comes with its first job: deploy an instance, and its jobs bring theirs.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <div className="border-t border-line">
          <PlainTable
            label="Queues"
            columns={mayAct ? [...columns, actions] : columns}
            rows={data}
            idOf={({ name }) => name}
            onOpen={({ name }) => void navigate({ to: "/jobs/queues/$name", params: { name } })}
          />
        </div>
      )}
    </>
  );
}
