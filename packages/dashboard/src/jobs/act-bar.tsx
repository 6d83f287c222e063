import type { JobAction, JobFilter, JobView } from "@provost/contract";
import { ChevronDown, X } from "lucide-react";
import { useState } from "react";
import { counted } from "../format/numbers.ts";
import type { Selection } from "../list/selection.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { Menu } from "../ui/menu.tsx";
import { ActDialog, type Target } from "./act-dialog.tsx";
import { actWords } from "./act-words.ts";
import { jobStatuses } from "./words.ts";

interface ActBarProps {
  selection: Selection;
  /** All that fit the search; undefined where no act can be narrowed so. */
  filter: JobFilter | undefined;
  rows: readonly JobView[];
  /** There are rows that are not loaded. */
  more: boolean;
}

const quick = ["retry", "run-now", "cancel"] as const satisfies JobAction[];
const further = ["retry", "run-now", "move", "hold", "unhold", "cancel"] as const satisfies JobAction[];

/** What can be done with the chosen jobs, or with all that fit the search. */
export function ActBar({ selection, filter, rows, more }: ActBarProps) {
  /** How many were chosen when all that fit were: with one of them taken out, it is all no more. */
  const [everything, setEverything] = useState<number>();
  /** What is asked for stays the same while it is, whatever comes into the list. */
  const [asked, setAsked] = useState<{ action: JobAction; target: Target }>();
  const chosen = rows.filter(({ id }) => selection.ids.has(id));
  const allChosen = rows.length > 0 && chosen.length === rows.length;
  const all = everything !== undefined && selection.ids.size >= everything && filter !== undefined;
  const statuses = all ? (filter.status?.split(",") ?? jobStatuses) : chosen.map(({ status }) => status);
  const taken = (each: JobAction): boolean => actWords[each].from.some((status) => statuses.includes(status));
  const ask = (action: JobAction): void => setAsked({ action, target: all ? { filter } : { ids: [...selection.ids] } });
  return (
    <div
      role="toolbar"
      aria-label="Actions for the chosen jobs"
      className="flex flex-wrap items-center gap-2 border-b border-line bg-accent-soft px-4 py-1.5 md:px-6"
    >
      <span role="status" className="font-medium">
        {all ? "All that fit the search" : `${counted(selection.ids.size, "job")} chosen`}
      </span>
      {allChosen && more && filter !== undefined && !all && (
        <Button kind="quiet" onClick={() => setEverything(selection.ids.size)}>
          Choose all that fit the search
        </Button>
      )}
      <div className="flex-1" />
      {quick.filter(taken).map((each) => (
        <Button key={each} icon={actWords[each].icon} onClick={() => ask(each)} className="max-lg:hidden">
          {actWords[each].label}
        </Button>
      ))}
      <Menu
        trigger={<Button icon={ChevronDown}>Actions</Button>}
        items={further.map((each) => ({
          label: actWords[each].label,
          icon: actWords[each].icon,
          danger: actWords[each].danger === true,
          disabled: taken(each) ? undefined : `Of jobs that are ${actWords[each].from.join(", ")}`,
          onSelect: () => ask(each),
        }))}
      />
      <IconButton
        icon={X}
        label="Choose none"
        onClick={() => {
          setEverything(undefined);
          selection.clear();
        }}
      />
      {asked !== undefined && (
        <ActDialog
          {...asked}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            setAsked(undefined);
            setEverything(undefined);
            selection.clear();
          }}
        />
      )}
    </div>
  );
}
