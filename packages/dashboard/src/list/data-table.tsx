import { useVirtualizer } from "@tanstack/react-virtual";
import { LoaderCircle } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { classes } from "../ui/classes.ts";
import { ErrorNote } from "../ui/error-note.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { columnsFor, type Column } from "./columns.ts";
import { FreshBar } from "./fresh-bar.tsx";
import type { Selection } from "./selection.ts";
import { useRowKeys } from "./use-row-keys.ts";
import type { KeysetList } from "./use-keyset-list.ts";
import { useWidthStep } from "./use-width-step.ts";

interface DataTableProps<T> {
  /** Read aloud for the table as a whole. */
  label: string;
  columns: readonly Column<T>[];
  list: KeysetList<T>;
  idOf: (item: T) => string;
  /** Read aloud for a row's checkbox. */
  nameOf: (item: T) => string;
  onOpen: (item: T) => void;
  selection?: Selection | undefined;
  /** Shown instead of an empty table. */
  empty: ReactNode;
  /** On phones a row takes two lines. */
  rowHeight?: number;
}

const rowHeightUsual = 40;
const rowsBeyond = 12;

/** Any number of rows: only those on screen are in the page; the next keyset page is read before the end comes up. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, list, idOf, empty, selection, rowHeight = rowHeightUsual } = props;
  const columns = columnsFor(props.columns, useWidthStep());
  const scroller = useRef<HTMLDivElement>(null);
  const { rows } = list;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: rowsBeyond,
    getItemKey: (index) => (rows[index] === undefined ? index : idOf(rows[index])),
  });
  const shown = virtual.getVirtualItems();
  useReadAhead(list, shown.at(0)?.index ?? 0, shown.at(-1)?.index ?? 0);
  const active = useRowKeys({ ...props, scrollTo: (index) => virtual.scrollToIndex(index) });
  if (list.isPending) return <SkeletonRows />;
  if (list.error !== null && rows.length === 0) {
    return (
      <div className="p-4 md:px-6">
        <ErrorNote error={list.error} retry={list.retry} />
      </div>
    );
  }
  if (rows.length === 0) return empty;
  const grid = `${selection === undefined ? "" : "40px "}${columns.map(({ width }) => width).join(" ")}`;
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <FreshBar list={list} scroller={scroller} />
      <div
        ref={scroller}
        // Rows without a link would leave the keyboard no way to scroll.
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto -outline-offset-2"
        onPointerEnter={() => list.onHold(true)}
        onPointerLeave={() => list.onHold(false)}
      >
        <div role="table" aria-label={label} aria-rowcount={list.hasMore ? -1 : rows.length + 1}>
          <HeadRow columns={columns} grid={grid} ids={rows.map(idOf)} selection={selection} />
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {shown.map(({ index, start, size }) => {
              const item = rows[index];
              if (item === undefined) return null;
              return (
                <Row
                  key={idOf(item)}
                  {...props}
                  item={item}
                  columns={columns}
                  index={index}
                  active={idOf(item) === active}
                  style={{ gridTemplateColumns: grid, transform: `translateY(${start}px)`, height: size }}
                />
              );
            })}
          </div>
        </div>
        {list.isLoadingMore && <More />}
      </div>
    </div>
  );
}

function More() {
  return (
    <p role="status" className="flex h-10 items-center justify-center gap-2 text-muted">
      <LoaderCircle aria-hidden size={14} className="animate-turn" /> Loading more
    </p>
  );
}

function useReadAhead<T>(list: KeysetList<T>, first: number, last: number): void {
  const { onVisible, hasMore, isLoadingMore, rows } = list;
  const latest = useRef(list.loadMore);
  useEffect(() => {
    latest.current = list.loadMore;
  });
  useEffect(() => {
    onVisible(first, last);
    if (hasMore && !isLoadingMore && last >= rows.length - rowsBeyond * 2) latest.current();
  }, [onVisible, first, last, hasMore, isLoadingMore, rows.length]);
}

interface HeadRowProps<T> {
  columns: readonly Column<T>[];
  grid: string;
  ids: string[];
  selection: Selection | undefined;
}

function HeadRow<T>({ columns, grid, ids, selection }: HeadRowProps<T>) {
  return (
    <div role="rowgroup" className="sticky top-0 z-10">
      <div
        role="row"
        className="grid h-8 min-w-full items-center gap-x-4 border-b border-line bg-canvas px-4 text-xs text-faint md:px-6"
        style={{ gridTemplateColumns: grid }}
      >
        {selection !== undefined && (
          <span role="columnheader">
            <input
              type="checkbox"
              aria-label="Choose all rows that are loaded"
              className="size-4 accent-accent"
              checked={ids.length > 0 && ids.every((id) => selection.ids.has(id))}
              onChange={() => selection.toggleAll(ids)}
            />
          </span>
        )}
        {columns.map(({ id, header, headerHidden, align }) => (
          <span
            key={id}
            role="columnheader"
            className={classes("truncate font-medium", align === "right" && "text-right")}
          >
            {headerHidden === true ? <span className="sr-only">{header}</span> : header}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps<T> extends Pick<DataTableProps<T>, "list" | "idOf" | "nameOf" | "onOpen" | "selection"> {
  item: T;
  columns: readonly Column<T>[];
  index: number;
  active: boolean;
  style: { gridTemplateColumns: string; transform: string; height: number };
}

function Row<T>({ item, columns, list, idOf, nameOf, onOpen, selection, index, active, style }: RowProps<T>) {
  const id = idOf(item);
  const chosen = selection?.ids.has(id) === true;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-active={active || undefined}
      style={style}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest("a, button, input, label")) return;
        onOpen(item);
      }}
      className={classes(
        "absolute inset-x-0 top-0 grid cursor-default items-center gap-x-4 border-b border-line px-4 md:px-6",
        chosen ? "bg-accent-soft" : "hover:bg-hover",
        active && "inset-shadow-[2px_0_0_var(--accent)]",
        list.isGone(item) && "opacity-50",
      )}
    >
      {selection !== undefined && (
        <div role="cell" className="h-full">
          <label className="-ml-4 flex h-full items-center pl-4 md:-ml-6 md:pl-6">
            <input
              type="checkbox"
              aria-label={`Choose ${nameOf(item)}`}
              className="size-4 accent-accent"
              checked={chosen}
              onChange={() => selection.toggle(id)}
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
