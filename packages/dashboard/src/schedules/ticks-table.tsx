import type { ScheduleTick } from "@provost/contract";
import { useNavigate } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { absoluteTime } from "../format/time.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList } from "../list/use-keyset-list.ts";
import { Empty } from "../ui/empty.tsx";
import { tickId, ticksList } from "./queries.ts";
import { job, lag, outcome, shard, took } from "./recent-runs.tsx";

const due: Column<ScheduleTick> = {
  id: "due",
  header: "Due",
  width: "minmax(168px, 1fr)",
  cell: ({ dueAt, firedAt }) => (
    <time dateTime={dueAt} title={`fired ${absoluteTime(Date.parse(firedAt))}`}>
      {absoluteTime(Date.parse(dueAt))}
    </time>
  ),
};
const cursor: Column<ScheduleTick> = {
  id: "cursor",
  header: "Cursor before → after",
  width: "minmax(160px, 3fr)",
  from: 1024,
  cell: ({ cursorBefore, cursorAfter }) => {
    if (cursorBefore === undefined && cursorAfter === undefined) return <span className="text-faint">–</span>;
    const words = `${JSON.stringify(cursorBefore) ?? "–"} → ${JSON.stringify(cursorAfter) ?? "–"}`;
    return (
      <code title={words} className="pl-4 font-mono text-xs text-muted">
        {words}
      </code>
    );
  },
};

/** The scheduler's log: every tick, what came of it, how late it was, and what it handed on. */
export function TicksTable({ name, shards }: { name: string; shards: number }) {
  const navigate = useNavigate();
  const list = useKeysetList(ticksList(name));
  const columns = [
    outcome,
    due,
    ...(shards > 1 ? [shard] : []),
    { ...lag, from: 768 },
    { ...took, from: 768 },
    cursor,
    job,
  ];
  return (
    <DataTable
      label="The scheduler's log"
      columns={columns}
      list={list}
      idOf={tickId}
      nameOf={tickId}
      onOpen={({ jobId }) => jobId !== undefined && void navigate({ to: "/jobs/$id", params: { id: jobId } })}
      empty={
        <Empty icon={ScrollText} title="Nothing was due yet">
          Each tick stands here with what came of it: run, skipped because the run before had not ended, or missed
          because nobody was there.
        </Empty>
      }
    />
  );
}
