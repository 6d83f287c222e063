import { classes } from "../ui/classes.ts";

/** How full something is, 0–1, with its word. */
export function UseBar({ use, label }: { use: number | undefined; label: string }) {
  if (use === undefined) return <span className="text-faint">–</span>;
  const percent = Math.round(use * 100);
  return (
    <span className="flex items-center gap-2">
      <span
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, percent)}
        className="h-1.5 w-14 shrink-0 overflow-hidden rounded-full bg-pressed"
      >
        <span
          className={classes("block h-full rounded-full", use >= 1 ? "bg-warn" : "bg-accent")}
          style={{ width: `${Math.min(100, percent)}%` }}
        />
      </span>
      <span className="text-xs text-muted">{percent}%</span>
    </span>
  );
}
