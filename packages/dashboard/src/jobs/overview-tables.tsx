import type { JobsOverview } from "@provost/contract";
import { Link, useNavigate } from "@tanstack/react-router";
import { count } from "../format/numbers.ts";
import type { Column } from "../list/columns.ts";
import { PlainTable, Section } from "./plain-table.tsx";
import { PausedBadge } from "./status.tsx";
import { oldest } from "../queues/depth-columns.tsx";

type Load = JobsOverview["queues"][number];
type Failing = JobsOverview["failing"][number];

const number = (value: number) => <span className={value === 0 ? "text-faint" : undefined}>{count(value)}</span>;
const bad = (value: number) => (
  <span className={value === 0 ? "text-faint" : "font-medium text-bad"}>{count(value)}</span>
);

const loadColumns: readonly Column<Load>[] = [
  {
    id: "queue",
    header: "Queue",
    width: "minmax(72px, 2fr)",
    cell: ({ queue, paused }) => (
      <span className="flex items-center gap-2">
        <Link
          to="/jobs/queues/$name"
          params={{ name: queue }}
          className="truncate rounded-sm font-medium hover:underline"
        >
          {queue}
        </Link>
        {paused && <PausedBadge />}
      </span>
    ),
  },
  {
    id: "running",
    header: "Running",
    width: "minmax(50px, 1fr)",
    align: "right",
    cell: ({ running }) => number(running),
  },
  { id: "ready", header: "Ready", width: "minmax(50px, 1fr)", align: "right", cell: ({ ready }) => number(ready) },
  {
    id: "delayed",
    header: "Delayed",
    width: "minmax(50px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ delayed }) => number(delayed),
  },
  {
    id: "waiting",
    header: "Waiting",
    width: "minmax(50px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ waiting }) => number(waiting),
  },
  {
    id: "processed",
    header: "Processed",
    width: "minmax(62px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ processed }) => number(processed),
  },
  { id: "failed", header: "Failed", width: "minmax(44px, 1fr)", align: "right", cell: ({ failed }) => bad(failed) },
  oldest,
];

export function Workload({ queues }: { queues: readonly Load[] }) {
  const navigate = useNavigate();
  return (
    <Section title="Workload by queue">
      <PlainTable
        label="Workload by queue"
        columns={loadColumns}
        rows={queues}
        idOf={({ queue }) => queue}
        onOpen={({ queue }) => void navigate({ to: "/jobs/queues/$name", params: { name: queue } })}
      />
    </Section>
  );
}

const failingColumns: readonly Column<Failing>[] = [
  {
    id: "name",
    header: "Name",
    width: "minmax(120px, 2fr)",
    cell: ({ name }) => (
      <Link to="/jobs" search={{ q: `status:failed name:${name}` }} className="rounded-sm font-medium hover:underline">
        {name}
      </Link>
    ),
  },
  { id: "failed", header: "Failed", width: "minmax(56px, 1fr)", align: "right", cell: ({ failed }) => bad(failed) },
  {
    id: "retried",
    header: "Retried",
    width: "minmax(56px, 1fr)",
    align: "right",
    cell: ({ retried }) => number(retried),
  },
  {
    id: "processed",
    header: "Processed",
    width: "minmax(64px, 1fr)",
    align: "right",
    cell: ({ processed }) => number(processed),
  },
];

export function FailingNames({ names }: { names: readonly Failing[] }) {
  const failing = names.filter(({ failed, retried }) => failed + retried > 0);
  return (
    <Section title="Failing most">
      {failing.length === 0 ? (
        <p className="px-4 pb-4 text-muted md:px-6">No job has failed in the last hour.</p>
      ) : (
        <PlainTable label="Names that fail most" columns={failingColumns} rows={failing} idOf={({ name }) => name} />
      )}
    </Section>
  );
}
