import type { ProcessDetail } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { shortDuration } from "../format/time.ts";
import { PlainTable, Section } from "../jobs/plain-table.tsx";
import { useJobStream } from "../jobs/stream.ts";
import type { Column } from "../list/columns.ts";
import { Tag } from "../ui/badge.tsx";
import { Copyable } from "../ui/copy.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { ProcessActions } from "./process-actions.tsx";
import { processQuery } from "./queries.ts";
import { memory, ProcessBadge } from "./state.tsx";

type Running = ProcessDetail["jobs"][number];

const columns: readonly Column<Running>[] = [
  {
    id: "name",
    header: "Name",
    width: "minmax(140px, 2fr)",
    cell: ({ id, name }) => (
      <Link to="/jobs/$id" params={{ id }} className="rounded-sm font-medium hover:text-accent-text hover:underline">
        {name}
      </Link>
    ),
  },
  { id: "queue", header: "Queue", width: "minmax(88px, 1fr)", cell: ({ queue }) => queue },
  {
    id: "since",
    header: "Started",
    width: "minmax(80px, 1fr)",
    cell: ({ startedAt }) =>
      startedAt === undefined ? <span className="text-faint">claimed, not yet</span> : <RelativeTime at={startedAt} />,
  },
  {
    id: "id",
    header: "Id",
    width: "minmax(64px, 1fr)",
    align: "right",
    cell: ({ id }) => <span className="font-mono text-xs text-faint">{id}</span>,
  },
];

/** One process: what it is, what it runs now, and what it can run. */
export function ProcessScreen() {
  useJobStream();
  const { id } = useParams({ from: "/jobs/processes/$id" });
  const { data: process, error, refetch } = useQuery(processQuery(id));
  return (
    <>
      <PageHead
        title={process === undefined ? "Process" : `${process.host} · ${process.pid}`}
        above={
          <Link to="/jobs/processes" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
            <ArrowLeft aria-hidden size={13} /> Processes
          </Link>
        }
        beside={
          process && (
            <>
              <ProcessBadge {...process} />
              {process.leader && <Tag title="Promotes, rescues, prunes and fires schedules for all">leader</Tag>}
            </>
          )
        }
        actions={process && <ProcessActions process={process} />}
      />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {process === undefined ? error === null && <SkeletonRows rows={4} /> : <Loaded process={process} />}
    </>
  );
}

function Loaded({ process }: { process: ProcessDetail }) {
  const navigate = useNavigate();
  const { id, running, slots, jobs, names, lines } = process;
  return (
    <div className="flex flex-col pb-8">
      <div className="px-4 pb-4 md:px-6">
        <Facts
          items={[
            ["Id", <Copyable key="id" text={id} label="the id" />],
            ["Short lane", `${running.short} of ${slots.short} slots`],
            ["Long lane", `${running.long} of ${slots.long} slots`],
            ["Memory", memory(process.rssBytes)],
            ["Lease age", shortDuration(process.leaseAgeMs)],
            ["Started", <RelativeTime key="started" at={process.startedAt} />],
          ]}
        />
      </div>
      <div className="border-t border-line">
        <Section title="Runs now">
          {jobs.length === 0 ? (
            <p className="px-4 pb-4 text-muted md:px-6">Nothing at the moment.</p>
          ) : (
            <PlainTable
              label="Jobs that it runs"
              columns={columns}
              rows={jobs}
              idOf={(job) => job.id}
              onOpen={(job) => void navigate({ to: "/jobs/$id", params: { id: job.id } })}
            />
          )}
        </Section>
      </div>
      <div className="grid border-t border-line md:grid-cols-2">
        <Section title="Claims from">
          <Tags items={lines.map(({ queue, lane }) => `${queue} · ${lane}`)} />
        </Section>
        <Section title="Has handlers for">
          <Tags items={names} />
        </Section>
      </div>
    </div>
  );
}

function Tags({ items }: { items: readonly string[] }) {
  if (items.length === 0) return <p className="px-4 pb-4 text-muted md:px-6">Nothing.</p>;
  return (
    <p className="flex flex-wrap gap-1.5 px-4 pb-4 md:px-6">
      {items.map((item) => (
        <Tag key={item}>{item}</Tag>
      ))}
    </p>
  );
}
