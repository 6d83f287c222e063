import { count } from "../format/numbers.ts";
import { exactDuration } from "../format/time.ts";
import type { Column } from "../list/columns.ts";

/** Of a queue, and of each of its lanes. */
interface Depth {
  ready: number;
  waiting: number;
  oldestWaitMs?: number | undefined;
}

/** Nothing is paler than something. */
export const figure = (value: number) => <span className={value === 0 ? "text-faint" : undefined}>{count(value)}</span>;

export const ready: Column<Depth> = {
  id: "ready",
  header: "Ready",
  width: "minmax(48px, 1fr)",
  align: "right",
  cell: (depth) => figure(depth.ready),
};

export const oldest: Column<Pick<Depth, "oldestWaitMs">> = {
  id: "oldest",
  header: "Oldest wait",
  width: "minmax(88px, 1fr)",
  align: "right",
  from: 768,
  cell: ({ oldestWaitMs }) =>
    oldestWaitMs === undefined ? <span className="text-faint">–</span> : exactDuration(oldestWaitMs),
};

/** What stands behind gates, and who waits longest. */
export const waits: readonly Column<Depth>[] = [
  {
    id: "waiting",
    header: "Waiting",
    width: "minmax(56px, 1fr)",
    align: "right",
    from: 768,
    cell: ({ waiting }) => figure(waiting),
  },
  oldest,
];
