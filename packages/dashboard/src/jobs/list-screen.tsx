import type { JobView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ListChecks, Search, SearchX } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo } from "react";
import { useMay } from "../api/session.ts";
import { DataTable } from "../list/data-table.tsx";
import { QueryBar } from "../list/query-bar.tsx";
import { parseQuery } from "../list/query.ts";
import { useSelection } from "../list/selection.ts";
import { useKeysetList } from "../list/use-keyset-list.ts";
import { useWidthStep } from "../list/use-width-step.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { failedColumns, jobColumns, phoneColumns } from "./columns.tsx";
import { jobKeys, jobSearch, type JobSearch } from "./filter.ts";
import { jobsList, queuesQuery, searchKeys } from "./queries.ts";
import { StateTabs } from "./state-tabs.tsx";
import { useJobStream } from "./stream.ts";

const ActBar = lazy(() => import("./act-bar.tsx").then((m) => ({ default: m.ActBar })));

const idOf = ({ id }: JobView): string => id;
const nameOf = ({ name, id }: JobView): string => `${name} ${id}`;

/** All jobs, newest first: searched, kept current in place, acted on by the thousand. */
export function JobsScreen() {
  useJobStream();
  const { q = "" } = useSearch({ from: "/jobs" });
  const navigate = useNavigate();
  const mayAct = useMay("operator");
  const search = useMemo(() => jobSearch(parseQuery(q, jobKeys)), [q]);
  // Nothing is asked of the server that it must refuse.
  const list = useKeysetList(jobsList(search.problem === undefined ? search : { ...search, params: {} }));
  const selection = useSelection(q);
  const narrow = useWidthStep() === 0;
  const { data: queues = [] } = useQuery(queuesQuery);
  const setSearch = useCallback(
    (text: string) => void navigate({ to: "/jobs", search: text === "" ? {} : { q: text }, replace: true }),
    [navigate],
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Jobs" />
      <StateTabs q={q} />
      <div className="flex flex-wrap items-start gap-2 border-b border-line px-4 py-2 md:px-6">
        <QueryBar
          label="Search jobs"
          placeholder="name:deploy queue:default status:failed key:…"
          value={q}
          onChange={setSearch}
          keys={searchKeys(queues, list.rows)}
          problem={search.problem}
        />
      </div>
      {mayAct && selection.ids.size > 0 && search.problem === undefined && (
        <Suspense>
          <ActBar selection={selection} filter={search.filter} rows={list.rows} more={list.hasMore} />
        </Suspense>
      )}
      {search.problem === undefined ? (
        <DataTable
          label="Jobs"
          columns={narrow ? phoneColumns : isOfFailed(search) ? failedColumns : jobColumns}
          rowHeight={narrow ? 60 : 40}
          list={list}
          idOf={idOf}
          nameOf={nameOf}
          onOpen={({ id }) => void navigate({ to: "/jobs/$id", params: { id } })}
          selection={mayAct ? selection : undefined}
          empty={<NoJobs searched={q !== ""} looking={list.hasMore} onClear={() => setSearch("")} />}
        />
      ) : (
        <Empty
          icon={SearchX}
          title="The search cannot be read"
          action={<Button onClick={() => setSearch("")}>Clear the search</Button>}
        >
          {search.problem}.
        </Empty>
      )}
    </div>
  );
}

function isOfFailed({ params: { status } }: JobSearch): boolean {
  return status !== undefined && status.split(",").every((each) => each === "failed" || each === "cancelled");
}

function NoJobs({ searched, looking, onClear }: { searched: boolean; looking: boolean; onClear: () => void }) {
  if (looking) {
    return (
      <Empty icon={Search} title="Looking further back">
        None of the newest jobs fits; older ones are looked at now.
      </Empty>
    );
  }
  if (searched) {
    return (
      <Empty icon={SearchX} title="No job fits" action={<Button onClick={onClear}>Clear the search</Button>}>
        Every term must hold; <code className="font-mono text-xs">status:</code> takes alternatives with commas between.
        Jobs that ended long ago are no longer kept.
      </Empty>
    );
  }
  return (
    <Empty icon={ListChecks} title="No jobs yet" command="provost deploy web-1 --provider sandbox">
      Every deploy, reboot and sweep is made of jobs. Deploy an instance, and watch its jobs here.
    </Empty>
  );
}
