import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { jobKeys, jobSearch, tabOf } from "./filter.ts";
import { parseQuery, withTerm } from "../list/query.ts";
import { classes } from "../ui/classes.ts";
import { countsQuery } from "./queries.ts";
import { cappedCount, jobStatuses, statusTells } from "./words.ts";

/** One tab for each status, with how many jobs it has; a tab is the search's `status:`. */
export function StateTabs({ q }: { q: string }) {
  const query = parseQuery(q, jobKeys);
  const search = jobSearch(query);
  const { data } = useQuery({ ...countsQuery(search), enabled: search.problem === undefined });
  const current = tabOf(query);
  return (
    <nav aria-label="Jobs by status" className="flex shrink-0 gap-1 overflow-x-auto border-b border-line px-3 md:px-5">
      {(["all", ...jobStatuses] as const).map((tab) => {
        const next = withTerm(q, jobKeys, "status", tab === "all" ? "" : tab);
        return (
          <Link
            key={tab}
            to="/jobs"
            search={next === "" ? {} : { q: next }}
            activeOptions={{ exact: true, includeSearch: true }}
            title={tab === "all" ? undefined : statusTells[tab]}
            aria-current={tab === current ? "page" : undefined}
            className={classes(
              "-mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 font-medium whitespace-nowrap",
              tab === current ? "border-accent text-text" : "border-transparent text-muted hover:text-text",
            )}
          >
            {tab}
            {tab !== "all" && data !== undefined && (
              <span
                className={classes("text-xs", tab === "failed" && data.failed.count > 0 ? "text-bad" : "text-faint")}
              >
                {cappedCount(data[tab])}
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}
