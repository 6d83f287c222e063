import type { JobsOverview } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Cpu, ListChecks } from "lucide-react";
import type { ReactNode } from "react";
import { axisTo, durationAxisTo } from "../charts/scale.ts";
import { MinuteChart } from "../charts/minute-chart.tsx";
import { shortSpan } from "../charts/words.ts";
import { count } from "../format/numbers.ts";
import { exactDuration } from "../format/time.ts";
import { classes } from "../ui/classes.ts";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { FailingNames, Workload } from "./overview-tables.tsx";
import { overviewQuery } from "./queries.ts";
import { useJobStream } from "./stream.ts";

/** How the job manager does: figures of now, the last hour by minutes, and where to look. */
export function OverviewScreen() {
  useJobStream();
  const { data, error, refetch } = useQuery(overviewQuery);
  return (
    <>
      <PageHead
        title="Overview"
        beside={<span className="text-muted max-md:hidden">of all jobs, the last hour</span>}
      />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data === undefined ? error === null && <Loading /> : <Loaded overview={data} />}
    </>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading" className="flex flex-col gap-4 px-4 md:px-6">
      <Skeleton className="h-16" />
      <Skeleton className="h-40" />
      <Skeleton className="h-40" />
    </div>
  );
}

function Loaded({ overview }: { overview: JobsOverview }) {
  const none = overview.queues.length === 0 && overview.minutes.every((minute) => ended(minute) === 0);
  return (
    <div className="flex flex-col pb-8">
      <Figures {...overview} />
      {overview.processes === 0 && <NoProcess waiting={overview.ready + overview.delayed + overview.waiting > 0} />}
      {none ? (
        <Empty icon={ListChecks} title="No jobs yet" command="provost deploy web-1 --provider sandbox">
          Every deploy, reboot and sweep is made of jobs. Deploy an instance, and watch its jobs here.
        </Empty>
      ) : (
        <>
          <Charts {...overview} />
          <div className="grid border-b border-line xl:grid-cols-[3fr_2fr] xl:divide-x xl:divide-line">
            <Workload queues={overview.queues} />
            <FailingNames names={overview.failing} />
          </div>
        </>
      )}
    </div>
  );
}

function NoProcess({ waiting }: { waiting: boolean }) {
  return (
    <div role="status" className="flex items-start gap-2.5 border-b border-line bg-warn-soft px-4 py-3 md:px-6">
      <Cpu aria-hidden size={16} className="mt-0.5 shrink-0 text-warn" />
      <p>
        <span className="font-medium">No process is there to run jobs.</span>{" "}
        <span className="text-muted">
          {waiting ? "What waits goes on as soon as one starts" : "Start one"}:{" "}
          <code className="font-mono text-xs">provost start</code>, or a worker of your own.
        </span>
      </p>
    </div>
  );
}

function Figures(overview: JobsOverview) {
  const { oldestWait } = overview;
  return (
    <dl className="grid grid-cols-2 border-y border-line sm:grid-cols-4 xl:grid-cols-7 [&>*]:border-line max-sm:[&>*]:border-b sm:max-xl:[&>*]:border-b xl:[&>*]:border-r xl:[&>*:last-child]:border-r-0">
      <Figure name="Running" value={count(overview.running)} q="status:in_progress" />
      <Figure name="Ready" value={count(overview.ready)} q="status:queued" />
      <Figure
        name="Delayed"
        value={count(overview.delayed)}
        q="status:delayed"
        beside={overview.waiting > 0 ? `+ ${count(overview.waiting)} waiting` : undefined}
      />
      <Figure
        name="Failed, last hour"
        value={count(overview.failedLastHour)}
        q="status:failed"
        bad={overview.failedLastHour > 0}
      />
      <Figure name="Per minute" value={count(overview.perMinute)} beside="last whole minute" />
      <Figure
        name="Oldest wait"
        value={oldestWait === undefined ? "–" : exactDuration(oldestWait.ms)}
        {...(oldestWait === undefined
          ? {}
          : { q: `status:queued queue:${oldestWait.queue}`, beside: `${oldestWait.queue}, ${oldestWait.lane} lane` })}
      />
      <div className="flex min-w-0 flex-col px-4 py-3 max-sm:col-span-2 md:px-5">
        <dt className="text-xs text-muted">Processes</dt>
        <dd className="text-xl font-semibold tracking-tight">
          <Link to="/jobs/processes" className="rounded-sm hover:text-accent-text">
            {count(overview.processes)}
          </Link>
        </dd>
      </div>
    </dl>
  );
}

interface FigureProps {
  name: string;
  value: string;
  /** The jobs that it counts, as a search of the list. */
  q?: string;
  beside?: string | undefined;
  bad?: boolean;
}

function Figure({ name, value, q, beside, bad = false }: FigureProps) {
  let shown: ReactNode = value;
  if (q !== undefined) {
    shown = (
      <Link to="/jobs" search={{ q }} className="rounded-sm hover:text-accent-text">
        {value}
      </Link>
    );
  }
  return (
    <div className="flex min-w-0 flex-col px-4 py-3 md:px-5">
      <dt className="truncate text-xs text-muted">{name}</dt>
      <dd className="flex flex-wrap items-baseline gap-x-2">
        <span className={classes("text-xl font-semibold tracking-tight whitespace-nowrap", bad && "text-bad")}>
          {shown}
        </span>
        {beside !== undefined && <span className="min-w-0 truncate text-xs text-faint">{beside}</span>}
      </dd>
    </div>
  );
}

function ended({ processed, failed, cancelled }: JobsOverview["minutes"][number]): number {
  return processed + failed + cancelled;
}

const perMinute = (max: number) => axisTo(max, 4);
const duration = (max: number) => durationAxisTo(max, 4);

function Charts({ minutes }: JobsOverview) {
  const times = minutes.map(({ at }) => at);
  return (
    <div className="grid border-b border-line lg:grid-cols-2 [&>*]:border-line max-lg:[&>*+*]:border-t lg:[&>*:nth-child(even)]:border-l lg:[&>*:nth-child(n+3)]:border-t">
      <MinuteChart
        title="Throughput"
        tells="Jobs that ended each minute, by outcome"
        times={times}
        as="bars"
        axis={perMinute}
        format={count}
        series={[
          { label: "processed", ink: "accent", values: minutes.map(({ processed }) => processed) },
          { label: "cancelled", ink: "faint", values: minutes.map(({ cancelled }) => cancelled) },
          { label: "failed", ink: "bad", values: minutes.map(({ failed }) => failed) },
        ]}
      />
      <MinuteChart
        title="Wait"
        tells="From ready to started: half of the attempts waited less than p50, 95 of 100 less than p95"
        times={times}
        as="lines"
        axis={duration}
        format={shortSpan}
        series={[
          { label: "p50", ink: "accent", values: minutes.map(({ waitP50Ms }) => waitP50Ms) },
          { label: "p95", ink: "warn", dashed: true, values: minutes.map(({ waitP95Ms }) => waitP95Ms) },
        ]}
      />
      <MinuteChart
        title="Run"
        tells="From started to ended: 95 of 100 attempts took less"
        times={times}
        as="lines"
        axis={duration}
        format={shortSpan}
        series={[{ label: "p95", ink: "accent", values: minutes.map(({ runP95Ms }) => runP95Ms) }]}
      />
      <MinuteChart
        title="Backlog"
        tells="Jobs that were ready at the end of each minute"
        times={times}
        as="area"
        axis={perMinute}
        format={count}
        series={[{ label: "ready", ink: "accent", values: minutes.map(({ backlog }) => backlog) }]}
      />
    </div>
  );
}
