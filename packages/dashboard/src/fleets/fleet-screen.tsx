import type { FleetMember, FleetView, Listed } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft, CircleOff, Users } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { useMay } from "../api/session.ts";
import { count, counted } from "../format/numbers.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { fleetActionWords } from "./actions.ts";
import { FleetProgress, FleetStatus, MemberStatusBadge } from "./fleet-status.tsx";
import { tabClass, TabRow } from "../ui/status-tabs.tsx";

const idOf = ({ instanceId }: FleetMember): string => instanceId;
const nameOf = ({ name }: FleetMember): string => name;

function memberList(id: string, status: string | undefined): KeysetSource<FleetMember> {
  return {
    key: ["members", id, status],
    live: [`fleet/${id}`],
    read: (after, signal) =>
      api.get<Listed<FleetMember>>(`fleets/${part(id)}/members`, { params: { status, after }, signal }),
    idOf,
  };
}

const columns: readonly Column<FleetMember>[] = [
  { id: "status", header: "Status", cell: ({ status }) => <MemberStatusBadge status={status} />, width: "120px" },
  {
    id: "name",
    header: "Instance",
    width: "minmax(120px, 1fr)",
    cell: ({ instanceId, name }) => (
      <Link
        to="/instances/$ref"
        params={{ ref: instanceId }}
        className="font-medium hover:text-accent-text hover:underline"
      >
        {name}
      </Link>
    ),
  },
  {
    id: "why",
    header: "Why",
    width: "minmax(160px, 3fr)",
    from: 768,
    cell: ({ code, message }) => (
      <span title={message} className="text-muted">
        {message ?? code ?? ""}
      </span>
    ),
  },
  { id: "ended", header: "Ended", cell: ({ endedAt }) => <RelativeTime at={endedAt} />, width: "84px", align: "right" },
];

/** One command to many: how far it is, and what became of each. */
export function FleetScreen() {
  const { id } = useParams({ from: "/fleets/$id" });
  const { status } = useSearch({ from: "/fleets/$id" });
  const navigate = useNavigate();
  const list = useKeysetList(memberList(id, status));
  const {
    data: fleet,
    error,
    refetch,
  } = useQuery({
    queryKey: ["fleet", id],
    queryFn: ({ signal }) => api.get<FleetView>(`fleets/${part(id)}`, { signal }),
    meta: { live: [`fleet/${id}`] },
  });
  if (fleet === undefined) {
    return error === null ? <SkeletonRows /> : <ErrorNote error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead
        title={`${fleetActionWords[fleet.action].label} ${counted(fleet.total, "instance")}`}
        beside={<FleetStatus fleet={fleet} filled />}
        actions={<Cancel fleet={fleet} />}
        above={
          <Link to="/fleets" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
            <ArrowLeft aria-hidden size={13} /> Fleets
          </Link>
        }
      />
      <div className="px-4 pb-4 md:px-6">
        <Facts
          items={[
            ["Progress", <FleetProgress key="progress" fleet={fleet} />],
            ["Which", fleet.filter ?? "chosen one by one"],
            ["At once", count(fleet.concurrency)],
            ["Stops after", counted(fleet.failuresMax + 1, "failure")],
            ["By", fleet.requestedBy ?? "–"],
            ["Begun", <RelativeTime key="begun" at={fleet.createdAt} />],
          ]}
        />
      </div>
      <MemberTabs fleet={fleet} current={status} />
      <DataTable
        label="What became of each"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={({ instanceId }) => void navigate({ to: "/instances/$ref", params: { ref: instanceId } })}
        empty={
          <Empty icon={Users} title={`None is ${status ?? "here"}`}>
            The numbers above say where they are.
          </Empty>
        }
      />
    </div>
  );
}

const memberStatuses = ["pending", "running", "done", "unchanged", "failed", "skipped"] as const;

function MemberTabs({ fleet, current }: { fleet: FleetView; current: string | undefined }) {
  return (
    <TabRow label="By outcome">
      {[undefined, ...memberStatuses].map((status) => (
        <Link
          key={status ?? "all"}
          to="/fleets/$id"
          params={{ id: fleet.id }}
          search={{ status }}
          replace
          aria-current={status === current ? "page" : undefined}
          className={tabClass(status === current)}
        >
          {status ?? "all"}
          <span className="text-xs text-faint">
            {count(status === undefined ? fleet.total : fleet.members[status])}
          </span>
        </Link>
      ))}
    </TabRow>
  );
}

function Cancel({ fleet }: { fleet: FleetView }) {
  const [open, setOpen] = useState(false);
  const mayAct = useMay("operator");
  if (!mayAct || fleet.status !== "running") return null;
  return (
    <>
      <Button icon={CircleOff} onClick={() => setOpen(true)}>
        Begin no more
      </Button>
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title="Begin no more?"
        action="Begin no more"
        run={async () => {
          await api.post(`fleets/${part(fleet.id)}/cancel`);
          await queryClient.invalidateQueries({ queryKey: ["fleet", fleet.id] });
        }}
      >
        <p>What has begun is finished; the rest is skipped.</p>
      </Confirm>
    </>
  );
}
