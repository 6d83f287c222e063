import { classes } from "./classes.ts";

/** A place held while something loads. */
export function Skeleton({ className }: { className?: string }) {
  return <span aria-hidden className={classes("block animate-shimmer rounded-sm bg-pressed", className)} />;
}

/** Rows of a list that is on its way. */
export function SkeletonRows({ rows = 8 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="flex flex-col">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-10 items-center gap-6 border-b border-line px-4 md:px-6">
          <Skeleton className="h-3 w-24" />
          <Skeleton className="h-3 w-40" />
          <Skeleton className="h-3 w-20 max-md:hidden" />
          <Skeleton className="h-3 w-28 max-md:hidden" />
        </div>
      ))}
    </div>
  );
}
