import type { QueueView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, SlidersHorizontal } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useMay } from "../api/session.ts";
import { count } from "../format/numbers.ts";
import { exactDuration } from "../format/time.ts";
import { PlainTable, Section } from "../jobs/plain-table.tsx";
import { PausedBadge } from "../jobs/status.tsx";
import { useJobStream } from "../jobs/stream.ts";
import type { Column } from "../list/columns.ts";
import { Button } from "../ui/button.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { limitFields, limitNames, type LimitName } from "./limits.ts";
import { figure, ready, waits } from "./depth-columns.tsx";
import { LimitsDialog } from "./limits-dialog.tsx";
import { PauseButton } from "./pause-button.tsx";
import { queueQuery } from "./queries.ts";
import { UseBar } from "./use-bar.tsx";

type Lane = QueueView["lanes"][number];

const laneColumns: readonly Column<Lane>[] = [
  {
    id: "lane",
    header: "Lane",
    width: "minmax(64px, 1fr)",
    cell: ({ lane }) => <span className="font-medium">{lane}</span>,
  },
  {
    id: "running",
    header: "Running of slots",
    width: "minmax(104px, 1fr)",
    align: "right",
    cell: ({ running, slots }) => (
      <span title="Slots of the processes that claim from it; shared with the other queues of the lane">
        {count(running)}
        <span className="text-faint">/{count(slots)}</span>
      </span>
    ),
  },
  ready,
  {
    id: "delayed",
    header: "Delayed",
    width: "minmax(56px, 1fr)",
    align: "right",
    cell: ({ delayed }) => figure(delayed),
  },
  ...waits,
];

/** One queue: its lanes, its limits, and the way to its jobs. */
export function QueueScreen() {
  useJobStream();
  const { name } = useParams({ from: "/jobs/queues/$name" });
  const mayAct = useMay("operator");
  const [editing, setEditing] = useState(false);
  const { data: queue, error, refetch } = useQuery(queueQuery(name));
  return (
    <>
      <PageHead
        title={name}
        above={<Back />}
        beside={queue?.paused === true && <PausedBadge />}
        actions={
          mayAct &&
          queue !== undefined && (
            <>
              <Button icon={SlidersHorizontal} onClick={() => setEditing(true)}>
                Limits
              </Button>
              <PauseButton name={name} paused={queue.paused} />
            </>
          )
        }
      />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {queue === undefined ? error === null && <SkeletonRows /> : <Loaded queue={queue} />}
      {editing && queue !== undefined && <LimitsDialog queue={queue} onClose={() => setEditing(false)} />}
    </>
  );
}

function Back() {
  return (
    <Link to="/jobs/queues" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
      <ArrowLeft aria-hidden size={13} /> Queues
    </Link>
  );
}

function Loaded({ queue }: { queue: QueueView }) {
  const { name, limits, depth, oldestWaitMs } = queue;
  return (
    <div className="flex flex-col pb-8">
      <div className="px-4 pb-4 md:px-6">
        <Facts
          items={[
            ["Depth", <Jobs key="depth" q={`queue:${name} status:waiting,delayed,queued`} value={depth} />],
            ["Oldest wait", oldestWaitMs === undefined ? "–" : exactDuration(oldestWaitMs)],
            ["Use", <UseBar key="use" use={queue.use} label={`Use of ${name}`} />],
            ["Running", <Jobs key="running" q={`queue:${name} status:in_progress`} value={queue.running} />],
            ["Processed, kept", <Jobs key="processed" q={`queue:${name} status:processed`} value={queue.processed} />],
            ["Failed, kept", <Jobs key="failed" q={`queue:${name} status:failed`} value={queue.failed} />],
            ["Cancelled, kept", <Jobs key="cancelled" q={`queue:${name} status:cancelled`} value={queue.cancelled} />],
            [
              "Processes",
              <Link key="processes" to="/jobs/processes" className="text-accent-text hover:underline">
                {count(queue.processes)}
              </Link>,
            ],
          ]}
        />
      </div>
      <div className="border-t border-line">
        <Section title="Lanes">
          <PlainTable label="Lanes" columns={laneColumns} rows={queue.lanes} idOf={({ lane }) => lane} />
        </Section>
      </div>
      <div className="border-t border-line">
        <Section title="Limits">
          <div className="px-4 md:px-6">
            <Facts
              items={limitNames.map((limit): [string, ReactNode] => [
                limitFields[limit].label,
                limitValue(limit, limits[limit]),
              ])}
            />
          </div>
        </Section>
      </div>
    </div>
  );
}

function limitValue(name: LimitName, value: number | null): ReactNode {
  if (value === null) return <span className="text-faint">{limitFields[name].unset ?? "no limit"}</span>;
  if (name === "ratePerSecond") return `${value} a second`;
  return count(value);
}

function Jobs({ q, value }: { q: string; value: number }) {
  return (
    <Link to="/jobs" search={{ q }} className="text-accent-text hover:underline">
      {count(value)}
    </Link>
  );
}
