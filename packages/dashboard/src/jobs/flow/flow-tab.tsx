import type { FlowPage, JobDetail, JobFlow } from "@provost/contract";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronsDownUp, ChevronsUpDown } from "lucide-react";
import { useMemo, useState } from "react";
import { api, part } from "../../api/client.ts";
import { useNow } from "../../format/clock.ts";
import { counted } from "../../format/numbers.ts";
import { exactDuration } from "../../format/time.ts";
import { StatusBadge, Tag, type Tone } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { classes } from "../../ui/classes.ts";
import { ErrorNote } from "../../ui/error-note.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { toastError } from "../../ui/toast-store.ts";
import { flowKey, flowQuery } from "../queries.ts";
import { statusLooks } from "../status.tsx";
import { FlowTree } from "./flow-tree.tsx";
import { closable, rowsOf, type MoreJobs } from "./rows.ts";
import { spanOf } from "./waterfall.ts";

/** The flow that a job is in, as a tree beside its waterfall or beside its figures. */
export function FlowTab({ job, view }: { job: JobDetail; view: string | undefined }) {
  const {
    data: flow,
    error,
    refetch,
    dataUpdatedAt,
  } = useQuery(flowQuery(job.id, useQueryClient().getQueryData<JobFlow>(flowKey(job.id))));
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const { more, readMore, reading } = useMoreJobs(job.id);
  const clock = useNow();
  const rows = useMemo(() => (flow === undefined ? [] : rowsOf(flow, closed, more)), [flow, closed, more]);
  if (flow === undefined) {
    return error === null ? (
      <SkeletonRows />
    ) : (
      <div className="p-4 md:px-6">
        <ErrorNote error={error} retry={() => void refetch()} />
      </div>
    );
  }
  // The store's clock when it was read, and what has passed here since.
  const now = Date.parse(flow.now) + (flow.finishedAt === undefined ? Math.max(0, clock - dataUpdatedAt) : 0);
  const span = spanOf(flow, now);
  const tree = view === "tree";
  return (
    <div className="flex min-h-96 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-4 py-2 md:px-6">
        <FlowStatus flow={flow} tookMs={span.end - span.start} />
        <div className="flex-1" />
        <Button kind="quiet" icon={ChevronsUpDown} onClick={() => setClosed(new Set())} className="max-md:hidden">
          Open all
        </Button>
        <Button
          kind="quiet"
          icon={ChevronsDownUp}
          onClick={() => setClosed(new Set(closable(flow)))}
          className="max-md:hidden"
        >
          Close all
        </Button>
        <Views id={job.id} tree={tree} />
      </div>
      {flow.failure !== undefined && (
        <p className="border-b border-line bg-bad-soft px-4 py-2 break-words md:px-6">
          <span className="mr-2 font-mono text-xs text-muted">{flow.failure.code}</span>
          {flow.failure.message}
          {flow.failedJobId !== undefined && (
            <Link to="/jobs/$id" params={{ id: flow.failedJobId }} className="ml-2 text-accent-text underline">
              job {flow.failedJobId}
            </Link>
          )}
        </p>
      )}
      <FlowTree
        rows={rows}
        span={span}
        now={now}
        tree={tree}
        current={job.id}
        reading={reading}
        onToggle={(key) => setClosed((before) => toggled(before, key))}
        onMore={readMore}
      />
    </div>
  );
}

function toggled(before: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const after = new Set(before);
  if (!after.delete(key)) after.add(key);
  return after;
}

const tones: Record<JobFlow["status"], Tone> = { running: "busy", processed: "good", failed: "bad", cancelled: "idle" };

function FlowStatus({ flow, tookMs }: { flow: JobFlow; tookMs: number }) {
  const look = statusLooks[flow.status === "running" ? "in_progress" : flow.status];
  return (
    <div className="flex flex-wrap items-center gap-x-3">
      <StatusBadge tone={tones[flow.status]} icon={look.icon} turning={look.turning ?? false}>
        {flow.status}
      </StatusBadge>
      <span className="text-muted">
        {counted(flow.jobs, "job")}, {exactDuration(tookMs)}
      </span>
      <Tag title="Id of the flow">{flow.id}</Tag>
    </div>
  );
}

function viewClass(chosen: boolean): string {
  return classes(
    "flex h-7 items-center rounded-sm px-2.5 font-medium",
    chosen ? "bg-pressed text-text" : "text-muted hover:text-text",
  );
}

function Views({ id, tree }: { id: string; tree: boolean }) {
  return (
    <div role="group" aria-label="Shown as" className="flex rounded-md border border-line p-px">
      <Link
        to="/jobs/$id"
        params={{ id }}
        search={{ tab: "flow" }}
        replace
        aria-current={!tree}
        className={viewClass(!tree)}
      >
        Waterfall
      </Link>
      <Link
        to="/jobs/$id"
        params={{ id }}
        search={{ tab: "flow", view: "tree" }}
        replace
        aria-current={tree}
        className={viewClass(tree)}
      >
        Tree
      </Link>
    </div>
  );
}

const pageJobs = 500;

/** Jobs of large stages that the flow does not list: read page after page, as asked for. */
function useMoreJobs(id: string) {
  const [more, setMore] = useState<MoreJobs>(new Map());
  const [next, setNext] = useState<ReadonlyMap<string, string>>(new Map());
  const read = useMutation({
    mutationFn: (stage: string) =>
      api.get<FlowPage>(`jobs/${part(id)}/flow/stages/${part(stage)}`, {
        params: { after: next.get(stage), limit: pageJobs },
      }),
    onSuccess: (page, stage) => {
      setMore((before) => new Map(before).set(stage, [...(before.get(stage) ?? []), ...page.items]));
      const { next: after } = page;
      if (after !== undefined) setNext((before) => new Map(before).set(stage, after));
    },
    onError: toastError,
  });
  return { more, readMore: read.mutate, reading: read.isPending ? read.variables : undefined };
}
