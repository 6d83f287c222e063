import type { ReactNode } from "react";

export interface Column<T> {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** A grid track: `120px`, `minmax(160px, 2fr)`. */
  width: string;
  align?: "right";
  /** Left out on windows narrower than this, in pixels. */
  from?: number;
}

const phone = 768;
const steps = [phone, 1024, 1280, 1536] as const;

/** The columns that a window of the width has room for. */
export function columnsFor<T>(columns: readonly Column<T>[], windowWidth: number): Column<T>[] {
  return columns.filter(({ from }) => from === undefined || windowWidth >= from);
}

/** The largest step that a window of the width reaches: only at these do columns come and go. */
export function widthStep(windowWidth: number): number {
  return steps.findLast((step) => windowWidth >= step) ?? 0;
}
