import type { ReactNode } from "react";
import { columnsFor, type Column } from "../list/columns.ts";
import { useWidthStep } from "../list/use-width-step.ts";
import { classes } from "../ui/classes.ts";

interface PlainTableProps<T> {
  /** Read aloud for the table as a whole. */
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  idOf: (row: T) => string;
  /** What a click on the row does, besides its links. */
  onOpen?: (row: T) => void;
  /** It stands in a column of a screen, not across it: without space of its own at its sides. */
  flush?: boolean;
}

/** A table of tens of rows, as long as they are. */
export function PlainTable<T>({ label, columns: all, rows, idOf, onOpen, flush = false }: PlainTableProps<T>) {
  const columns = columnsFor(all, useWidthStep());
  const tracks = columns.map(({ width }) => width).join(" ");
  const line = classes("grid items-center gap-x-4 border-b border-line", !flush && "px-4 md:px-6");
  return (
    <div role="table" aria-label={label} className="min-w-0">
      <div role="rowgroup">
        <div role="row" className={classes(line, "h-8 text-xs text-faint")} style={{ gridTemplateColumns: tracks }}>
          {columns.map(({ id, header, align }) => (
            <span
              key={id}
              role="columnheader"
              className={classes("truncate font-medium", align === "right" && "text-right")}
            >
              {header}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup">
        {rows.map((row) => (
          <div
            key={idOf(row)}
            role="row"
            className={classes(line, "min-h-10 py-1 last:border-b-0", onOpen && "hover:bg-hover")}
            style={{ gridTemplateColumns: tracks }}
            onClick={(event) => {
              if (onOpen === undefined) return;
              if (event.target instanceof Element && event.target.closest("a, button, input, label")) return;
              onOpen(row);
            }}
          >
            {columns.map(({ id, cell, align }) => (
              <div key={id} role="cell" className={classes("min-w-0 truncate", align === "right" && "text-right")}>
                {cell(row)}
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

/** A part of a screen, with a heading. */
export function Section({ title, beside, children }: { title: string; beside?: ReactNode; children: ReactNode }) {
  return (
    <section className="min-w-0">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 px-4 pt-4 pb-2 md:px-6">
        <h2 className="text-base font-semibold">{title}</h2>
        {beside}
      </div>
      {children}
    </section>
  );
}
