import { useVirtualizer } from "@tanstack/react-virtual";
import { LoaderCircle } from "lucide-react";
import { memo, useEffect, useMemo, useRef, type ReactNode } from "react";
import { classes } from "../ui/classes.ts";
import { ErrorNote } from "../ui/error-note.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { columnsFor, type Column } from "./columns.ts";
import { FreshBar } from "./fresh-bar.tsx";
import { Row } from "./row.tsx";
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
  const { label, list, idOf, nameOf, onOpen, empty, selection, rowHeight = rowHeightUsual } = props;
  const step = useWidthStep();
  const columns = useMemo(() => columnsFor(props.columns, step), [props.columns, step]);
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
  if (list.error !== null && rows.length === 0) return <Unread list={list} />;
  if (rows.length === 0) return empty;
  const grid = `${selection === undefined ? "" : "40px "}${columns.map(({ width }) => width).join(" ")}`;
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <FreshBar list={list} scroller={scroller} />
      <div
        ref={scroller}
        // What scrolls is reached by the keyboard.
        tabIndex={0}
        role="region"
        aria-label={`${label}, rows`}
        className="min-h-0 flex-1 overflow-auto -outline-offset-2"
        onPointerEnter={() => list.onHold(true)}
        onPointerLeave={() => list.onHold(false)}
      >
        <div role="table" aria-label={label} aria-rowcount={list.hasMore ? -1 : rows.length + 1}>
          <HeadRow columns={columns} grid={grid} rows={rows} idOf={idOf} selection={selection} />
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {shown.map(({ index, start, size }) => {
              const item = rows[index];
              if (item === undefined) return null;
              return (
                <Row
                  key={idOf(item)}
                  item={item}
                  id={idOf(item)}
                  name={nameOf(item)}
                  columns={columns}
                  grid={grid}
                  index={index}
                  start={start}
                  size={size}
                  active={idOf(item) === active}
                  gone={list.isGone(item)}
                  chosen={selection?.ids.has(idOf(item)) === true}
                  onOpen={onOpen}
                  onToggle={selection?.toggle}
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

function Unread({ list }: { list: Pick<KeysetList<unknown>, "error" | "retry"> }) {
  return (
    <div className="p-4 md:px-6">
      <ErrorNote error={list.error} retry={list.retry} />
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
  rows: readonly T[];
  idOf: (item: T) => string;
  selection: Selection | undefined;
}

function PlainHeadRow<T>({ columns, grid, rows, idOf, selection }: HeadRowProps<T>) {
  const ids = selection === undefined ? [] : rows.map(idOf);
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
  );
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `memo` forgets the type parameter
const HeadRow = memo(PlainHeadRow) as typeof PlainHeadRow;
