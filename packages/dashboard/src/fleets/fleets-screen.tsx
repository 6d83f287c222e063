import type { FleetView, Listed } from "@provost/contract";
import { Link, useNavigate } from "@tanstack/react-router";
import { Boxes } from "lucide-react";
import { api } from "../api/client.ts";
import { count } from "../format/numbers.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { fleetActionWords } from "./actions.ts";
import { FleetProgress, FleetStatus } from "./fleet-status.tsx";

const idOf = ({ id }: FleetView): string => id;
const nameOf = ({ action, createdAt }: FleetView): string => `${action} of ${createdAt}`;

const source: KeysetSource<FleetView> = {
  key: ["fleets"],
  live: ["fleet"],
  read: (after, signal) => api.get<Listed<FleetView>>("fleets", { params: { after }, signal }),
  idOf,
};

const columns: readonly Column<FleetView>[] = [
  { id: "status", header: "Status", cell: (fleet) => <FleetStatus fleet={fleet} />, width: "minmax(110px, 160px)" },
  {
    id: "action",
    header: "Command",
    width: "minmax(120px, 1fr)",
    cell: ({ id, action, total, type }) => (
      <Link to="/fleets/$id" params={{ id }} className="font-medium hover:text-accent-text hover:underline">
        {fleetActionWords[action].label} {count(total)}
        {type !== undefined && ` to ${type}`}
      </Link>
    ),
  },
  {
    id: "filter",
    header: "Which",
    cell: ({ filter }) => filter ?? "chosen one by one",
    width: "minmax(120px, 2fr)",
    from: 1024,
  },
  {
    id: "progress",
    header: "Progress",
    cell: (fleet) => <FleetProgress fleet={fleet} />,
    width: "minmax(150px, 1fr)",
    from: 768,
  },
  { id: "by", header: "By", cell: ({ requestedBy }) => requestedBy ?? "–", width: "minmax(80px, 0.6fr)", from: 1024 },
  {
    id: "age",
    header: "Begun",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
    width: "84px",
    align: "right",
  },
];

/** Commands to many instances, the newest first. */
export function FleetsScreen() {
  const list = useKeysetList(source);
  const navigate = useNavigate();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Fleets" />
      <DataTable
        label="Fleet commands"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={({ id }) => void navigate({ to: "/fleets/$id", params: { id } })}
        empty={
          <Empty
            icon={Boxes}
            title="No fleet command yet"
            command="npx provost fleet run reboot --filter 'region:eu-central'"
          >
            Choose rows in the list of instances, or all that fit a search, and do the same to each: a few at once,
            stopping after too many failures.
          </Empty>
        }
      />
    </div>
  );
}
