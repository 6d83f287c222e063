import { memo } from "react";
import { classes } from "../ui/classes.ts";
import type { Column } from "./columns.ts";

interface RowProps<T> {
  item: T;
  id: string;
  name: string;
  columns: readonly Column<T>[];
  /** The grid's tracks. */
  grid: string;
  index: number;
  /** Its place and height, in pixels. */
  start: number;
  size: number;
  /** The keyboard is at it. */
  active: boolean;
  /** The server lists it no longer. */
  gone: boolean;
  chosen: boolean;
  onOpen: (item: T) => void;
  /** Without it there is nothing to choose. */
  onToggle: ((id: string) => void) | undefined;
}

function PlainRow<T>(props: RowProps<T>) {
  const { item, id, name, columns, grid, index, start, size, active, gone, chosen, onOpen, onToggle } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-active={active || undefined}
      title={gone ? "It is not in this list any more" : undefined}
      style={{ gridTemplateColumns: grid, transform: `translateY(${start}px)`, height: size }}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest("a, button, input, label")) return;
        onOpen(item);
      }}
      className={classes(
        "absolute inset-x-0 top-0 grid cursor-default items-center gap-x-4 border-b border-line px-4 md:px-6",
        chosen ? "bg-accent-soft" : "hover:bg-hover",
        active && "inset-shadow-[2px_0_0_var(--accent)]",
        gone && "opacity-50",
      )}
    >
      {onToggle !== undefined && (
        <div role="cell" className="h-full">
          <label className="-ml-4 flex h-full items-center pl-4 md:-ml-6 md:pl-6">
            <input
              type="checkbox"
              aria-label={`Choose ${name}`}
              className="size-4 accent-accent"
              checked={chosen}
              onChange={() => onToggle(id)}
            />
          </label>
        </div>
      )}
      {columns.map(({ id: column, cell, align }) => (
        <div key={column} role="cell" className={classes("min-w-0 truncate", align === "right" && "text-right")}>
          {cell(item)}
        </div>
      ))}
    </div>
  );
}

/** A row is drawn anew when something of it changes, not when the list is scrolled. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `memo` forgets the type parameter
export const Row = memo(PlainRow) as typeof PlainRow;
