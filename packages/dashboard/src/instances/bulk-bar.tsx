import type { FleetAction, Instance } from "@provost/contract";
import { ChevronDown, X } from "lucide-react";
import { useState } from "react";
import { fleetActionWords } from "../fleets/actions.ts";
import { counted } from "../format/numbers.ts";
import type { Query } from "../list/query.ts";
import type { Selection } from "../list/selection.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { BulkDialog, type Target } from "./bulk-dialog.tsx";
import { fleetFilter, type View } from "./filter.ts";

interface BulkBarProps {
  selection: Selection;
  query: Query;
  view: View;
  rows: readonly Instance[];
  /** There are rows that are not loaded. */
  more: boolean;
}

const quick = ["boot", "reboot", "shutdown"] as const satisfies FleetAction[];
const further = ["power-off", "resize", "snapshot", "protect", "unprotect", "destroy"] as const satisfies FleetAction[];

/** What can be done with the chosen rows, or with all that fit the search. */
export function BulkBar({ selection, query, view, rows, more }: BulkBarProps) {
  const [everything, setEverything] = useState(false);
  const [action, setAction] = useState<FleetAction>();
  const filter = view === "live" ? fleetFilter(query) : undefined;
  const allChosen = rows.length > 0 && rows.every(({ id }) => selection.ids.has(id));
  const all = everything && allChosen && filter !== undefined;
  const target: Target = all ? { filter } : { instances: [...selection.ids] };
  return (
    <div
      role="toolbar"
      aria-label="Actions for the chosen instances"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-accent-soft px-4 py-1.5 md:px-6"
    >
      <span role="status" className="font-medium">
        {all ? `All that fit: ${filter}` : `${counted(selection.ids.size, "instance")} chosen`}
      </span>
      {allChosen && more && filter !== undefined && !all && (
        <Button kind="quiet" onClick={() => setEverything(true)}>
          Choose all that fit the search
        </Button>
      )}
      <div className="flex-1" />
      {quick.map((each) => (
        <Button key={each} icon={fleetActionWords[each].icon} onClick={() => setAction(each)} className="max-lg:hidden">
          {fleetActionWords[each].label}
        </Button>
      ))}
      <Menu
        trigger={<Button icon={ChevronDown}>Actions</Button>}
        items={[...quick, ...further].map((each) => ({
          label: fleetActionWords[each].label,
          icon: fleetActionWords[each].icon,
          danger: fleetActionWords[each].danger === true,
          onSelect: () => setAction(each),
        }))}
      />
      <IconButton
        icon={X}
        label="Choose none"
        onClick={() => {
          setEverything(false);
          selection.clear();
        }}
      />
      {action !== undefined && (
        <BulkDialog
          action={action}
          target={target}
          onClose={() => setAction(undefined)}
          onBegun={() => {
            setAction(undefined);
            selection.clear();
          }}
        />
      )}
    </div>
  );
}
