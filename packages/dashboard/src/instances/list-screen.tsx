import type { Instance } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, SearchX, Server } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { useMay } from "../api/session.ts";
import { count } from "../format/numbers.ts";
import { DataTable } from "../list/data-table.tsx";
import { QueryBar } from "../list/query-bar.tsx";
import { parseQuery, type Query } from "../list/query.ts";
import { useSelection } from "../list/selection.ts";
import { useKeysetList } from "../list/use-keyset-list.ts";
import { useWidthStep } from "../list/use-width-step.ts";
import { Button, buttonClass } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { failedColumns, instanceColumns, phoneColumns } from "./columns.tsx";
import { filterKeys, views, type View } from "./filter.ts";
import { countsQuery, instanceList, providersQuery, queryKeys } from "./queries.ts";
import { statuses } from "./status.tsx";
import { ViewTabs } from "./view-tabs.tsx";

const BulkBar = lazy(() => import("./bulk-bar.tsx").then((m) => ({ default: m.BulkBar })));

const idOf = ({ id }: Instance): string => id;
const nameOf = ({ name }: Instance): string => name;

/** All instances: searched, kept current, acted on by the thousand. */
export function InstancesScreen() {
  const { q = "", view: named } = useSearch({ from: "/instances" });
  const view = views.find((known) => known === named) ?? "live";
  const navigate = useNavigate();
  const mayAct = useMay("operator");
  const query = useMemo(() => parseQuery(q, filterKeys, { status: statuses }), [q]);
  const list = useKeysetList(instanceList(useLastGood(query), view));
  const selection = useSelection(`${view} ${q}`);
  const narrow = useWidthStep() === 0;
  const { data: providers = [] } = useQuery(providersQuery);
  const search = useCallback(
    (text: string) =>
      void navigate({
        to: "/instances",
        search: (before) => ({ ...before, q: text === "" ? undefined : text }),
        replace: true,
      }),
    [navigate],
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Instances" beside={<Total />} actions={mayAct && <DeployLink />} />
      <ViewTabs current={view} />
      <div className="flex flex-wrap items-start gap-2 border-b border-line px-4 py-2 md:px-6">
        <QueryBar
          label="Search instances"
          placeholder="status:running region:eu-central tag:web …"
          value={q}
          onChange={search}
          keys={queryKeys(providers, list.rows)}
          problem={query.problem}
        />
      </div>
      {mayAct && selection.ids.size > 0 && (
        <Suspense>
          <BulkBar selection={selection} query={query} view={view} more={list.hasMore} rows={list.rows} />
        </Suspense>
      )}
      <DataTable
        label="Instances"
        columns={columnsOf(view, narrow)}
        rowHeight={narrow ? 60 : 40}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={({ id }) => void navigate({ to: "/instances/$ref", params: { ref: id } })}
        selection={mayAct ? selection : undefined}
        empty={<NoInstances query={query} view={view} onClear={() => search("")} />}
      />
    </div>
  );
}

/** While a term is being typed, the list stays as the last whole one had it. */
function useLastGood(query: Query): Query {
  const [good, setGood] = useState(query);
  if (query.problem === undefined && good !== query) setGood(query);
  return good;
}

function columnsOf(view: View, narrow: boolean) {
  if (narrow) return phoneColumns;
  return view === "failed" ? failedColumns : instanceColumns;
}

function DeployLink() {
  return (
    <Link to="/instances/deploy" className={buttonClass("primary")}>
      <Plus aria-hidden size={15} />
      Deploy
    </Link>
  );
}

/** How many live, counted to ten thousand. */
function Total() {
  const { data } = useQuery(countsQuery);
  if (data === undefined) return null;
  const total = Object.values(data.statuses).reduce((sum, each) => sum + each, 0);
  return <span className="text-base text-faint">{count(total)}</span>;
}

function NoInstances({ query, view, onClear }: { query: Query; view: View; onClear: () => void }) {
  const mayAct = useMay("operator");
  if (Object.keys(query.terms).length > 0 || query.words !== "") {
    return (
      <Empty icon={SearchX} title="No instance fits" action={<Button onClick={onClear}>Clear the search</Button>}>
        Every term must hold; put commas between alternatives:{" "}
        <code className="font-mono text-xs">status:running,stopped</code>
      </Empty>
    );
  }
  if (view === "failed") {
    return (
      <Empty icon={Server} title="Nothing has failed" command="npx provost instance list --failed">
        A failed instance stays here with what happened, its logs and its cost, until you decide what becomes of its
        server.
      </Empty>
    );
  }
  return (
    <Empty
      icon={Server}
      title="No instances yet"
      command="npx provost deploy web-1 --provider sandbox"
      action={mayAct && <DeployLink />}
    >
      {mayAct
        ? "Deploy the first one: from the golden image it is ready in seconds."
        : "An operator can deploy the first one."}
    </Empty>
  );
}
