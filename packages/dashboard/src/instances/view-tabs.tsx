import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { count } from "../format/numbers.ts";
import type { View } from "./filter.ts";
import { countsQuery } from "./queries.ts";
import { tabClass, TabRow } from "../ui/status-tabs.tsx";

const tabs: { view: View; label: string }[] = [
  { view: "live", label: "Live" },
  { view: "failed", label: "Failed" },
  { view: "all", label: "All records" },
];

export function ViewTabs({ current }: { current: View }) {
  const { data } = useQuery(countsQuery);
  return (
    <TabRow label="Which instances">
      {tabs.map(({ view, label }) => (
        <Link
          key={view}
          to="/instances"
          search={(before) => ({ ...before, view: view === "live" ? undefined : view })}
          aria-current={view === current ? "page" : undefined}
          className={tabClass(view === current)}
        >
          {label}
          {view === "failed" && data !== undefined && data.failed > 0 && (
            <span className="rounded-sm bg-bad-soft px-1.5 text-xs text-bad">{count(data.failed)}</span>
          )}
        </Link>
      ))}
    </TabRow>
  );
}
