import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../format/numbers.ts";
import { classes } from "../ui/classes.ts";
import { countsQuery, type View } from "./queries.ts";

const tabs: { view: View; label: string }[] = [
  { view: "live", label: "Live" },
  { view: "failed", label: "Failed" },
  { view: "all", label: "All records" },
];

export function ViewTabs({ current }: { current: View }) {
  const { data } = useQuery(countsQuery);
  return (
    <nav aria-label="Which instances" className="flex shrink-0 gap-1 border-b border-line px-3 md:px-5">
      {tabs.map(({ view, label }) => (
        <Link
          key={view}
          to="/instances"
          search={(before) => ({ ...before, view: view === "live" ? undefined : view })}
          aria-current={view === current ? "page" : undefined}
          className={classes(
            "-mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 font-medium whitespace-nowrap",
            view === current ? "border-accent text-text" : "border-transparent text-muted hover:text-text",
          )}
        >
          {label}
          {view === "failed" && data !== undefined && data.failed > 0 && (
            <span className="rounded-sm bg-bad-soft px-1.5 text-xs text-bad">{count(data.failed)}</span>
          )}
        </Link>
      ))}
    </nav>
  );
}
