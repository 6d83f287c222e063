import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { shortSpan } from "../../charts/words.ts";
import { useWidthStep } from "../../list/use-width-step.ts";
import { FlowLine } from "./flow-line.tsx";
import { stepOf, type FlowRow } from "./rows.ts";
import { ticksOf, type Span } from "./waterfall.ts";

interface FlowTreeProps {
  rows: readonly FlowRow[];
  span: Span;
  now: number;
  /** Figures instead of the waterfall. */
  tree: boolean;
  /** The job whose page this is. */
  current: string;
  /** The stage that more is read of. */
  reading: string | undefined;
  onToggle: (key: string) => void;
  onMore: (stage: string) => void;
}

const rowHeight = 32;

/** Lines of a flow; only those on screen are in the page. Arrow keys go through it as through any tree. */
export function FlowTree(props: FlowTreeProps) {
  const { rows, span, tree, current, onToggle, onMore } = props;
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const narrow = useWidthStep() === 0;
  const [active, setActive] = useState<string>();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
    getItemKey: (index) => rows[index]?.key ?? index,
  });
  const at = rows.findIndex(({ key }) => key === active);
  const act = (row: FlowRow): void => {
    if (row.kind === "stage") onToggle(row.key);
    else if (row.kind === "more") onMore(row.stage.id);
    else void navigate({ to: "/jobs/$id", params: { id: row.job.id } });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.target === event.currentTarget ? stepOf(event.key, rows, at) : undefined;
    if (step === undefined) return;
    event.preventDefault();
    if ("toggle" in step) onToggle(step.toggle);
    else if ("act" in step) act(step.act);
    else {
      setActive(rows[step.go]?.key);
      virtual.scrollToIndex(step.go);
    }
  };
  useScrollTo(rows, current, (index) => virtual.scrollToIndex(index, { align: "center" }));
  const columns = gridOf(tree, narrow);
  return (
    <div ref={scroller} className="relative min-h-0 flex-1 overflow-auto">
      <Head span={span} tree={tree} narrow={narrow} columns={columns} />
      <div
        role="tree"
        aria-label="Flow"
        tabIndex={0}
        aria-activedescendant={active === undefined ? undefined : `${id}-${active}`}
        onKeyDown={onKeyDown}
        className="relative -outline-offset-2"
        style={{ height: virtual.getTotalSize() }}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            <FlowLine
              key={row.key}
              {...props}
              id={`${id}-${row.key}`}
              row={row}
              narrow={narrow}
              active={row.key === active}
              onChoose={() => setActive(row.key)}
              style={{ height: rowHeight, transform: `translateY(${start}px)`, gridTemplateColumns: columns }}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Brings the job whose page this is on screen, once. */
function useScrollTo(rows: readonly FlowRow[], current: string, scroll: (index: number) => void): void {
  const done = useRef<string>(undefined);
  useEffect(() => {
    if (done.current === current) return;
    const index = rows.findIndex((row) => row.kind === "job" && row.job.id === current);
    if (index < 0) return;
    done.current = current;
    scroll(index);
  });
}

function gridOf(tree: boolean, narrow: boolean): string {
  if (tree)
    return narrow ? "minmax(0, 1fr) 104px" : "minmax(240px, 3fr) 120px minmax(88px, 1fr) 72px 88px minmax(0, 2fr)";
  return narrow ? "minmax(0, 1fr) minmax(0, 1fr)" : "minmax(240px, 320px) minmax(0, 1fr) 88px";
}

function Head({
  span,
  tree,
  narrow,
  columns,
}: Pick<FlowTreeProps, "span" | "tree"> & { narrow: boolean; columns: string }) {
  return (
    <div
      aria-hidden
      className="sticky top-0 z-10 grid h-8 items-center gap-x-3 border-b border-line bg-canvas px-4 text-xs text-faint md:px-6"
      style={{ gridTemplateColumns: columns }}
    >
      <span>Job</span>
      {tree ? (
        <>
          <span>Status</span>
          {!narrow && (
            <>
              <span>Queue</span>
              <span className="text-right">Attempts</span>
              <span className="text-right">Took</span>
              <span className="pl-4">Failure</span>
            </>
          )}
        </>
      ) : (
        <>
          <span className="relative h-4">
            {ticksOf(span, narrow ? 3 : 5).map(({ at, ms }) => (
              <span
                key={ms}
                className="absolute whitespace-nowrap"
                style={{ left: `${at * 100}%`, transform: at > 0.95 ? "translateX(-100%)" : undefined }}
              >
                {ms === 0 ? "0" : shortSpan(ms)}
              </span>
            ))}
          </span>
          {!narrow && <span className="text-right">Took</span>}
        </>
      )}
    </div>
  );
}
