import type { JobAction, JobDetail } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { Tag } from "../../ui/badge.tsx";
import { ErrorNote } from "../../ui/error-note.tsx";
import { PageHead } from "../../ui/page-head.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { TabLinks } from "../../ui/tabs.tsx";
import { jobQuery } from "../queries.ts";
import { JobMarks, JobStatusBadge } from "../status.tsx";
import { useJobStream } from "../stream.ts";
import { Attempts } from "./attempts.tsx";
import { JobActDialog, JobActions } from "./job-actions.tsx";
import { JobFacts } from "./job-facts.tsx";
import { Payload } from "./payload.tsx";
import { PriorityChart } from "./priority-chart.tsx";
import { TimelineStrip } from "./timeline-strip.tsx";
import { WhyPanel } from "./why-panel.tsx";

const LogsTab = lazy(() => import("./logs-tab.tsx").then((m) => ({ default: m.LogsTab })));
const FlowTab = lazy(() => import("../flow/flow-tab.tsx").then((m) => ({ default: m.FlowTab })));

/** One job: what became of it, why, and what can be done. */
export function JobScreen() {
  useJobStream();
  const { id } = useParams({ from: "/jobs/$id" });
  const { tab, attempt, view } = useSearch({ from: "/jobs/$id" });
  const [action, setAction] = useState<JobAction>();
  const { data: job, error, refetch } = useQuery(jobQuery(id));
  if (job === undefined) {
    return (
      <>
        <PageHead title={`Job ${id}`} above={<Back />} />
        {error === null ? (
          <SkeletonRows />
        ) : (
          <div className="px-4 md:px-6">
            <ErrorNote error={error} retry={() => void refetch()} />
          </div>
        )}
      </>
    );
  }
  const tabs = [
    { value: "story", label: "Story" },
    { value: "logs", label: "Logs" },
    ...(job.flowId === undefined ? [] : [{ value: "flow", label: "Flow" }]),
    { value: "data", label: "Input and result" },
  ];
  const current = tabs.find(({ value }) => value === tab)?.value ?? "story";
  return (
    <div className="flex min-h-full flex-col">
      <PageHead
        title={job.name}
        above={<Back />}
        beside={
          <>
            <JobStatusBadge status={job.status} filled />
            <JobMarks {...job} />
            {job.lane === "long" && <Tag title="In the long lane">long</Tag>}
          </>
        }
        actions={<JobActions job={job} onAct={setAction} />}
      />
      <TabLinks label="Of this job" tabs={tabs} current={current} />
      <Suspense fallback={<SkeletonRows />}>
        {current === "story" && <Story job={job} onAct={setAction} />}
        {current === "logs" && <LogsTab job={job} attempt={attempt} />}
        {current === "flow" && <FlowTab job={job} view={view} />}
        {current === "data" && (
          <div className="grid gap-6 p-4 md:px-6 lg:grid-cols-2">
            <Payload title="Input" payload={job.input} />
            <Payload title="Result" payload={job.result} />
          </div>
        )}
      </Suspense>
      {action !== undefined && <JobActDialog job={job} action={action} onClose={() => setAction(undefined)} />}
    </div>
  );
}

function Back() {
  return (
    <Link to="/jobs" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
      <ArrowLeft aria-hidden size={13} /> Jobs
    </Link>
  );
}

function Story({ job, onAct }: { job: JobDetail; onAct: (action: JobAction) => void }) {
  return (
    <div className="grid gap-x-8 gap-y-6 p-4 md:px-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-6">
        <WhyPanel job={job} onAct={onAct} />
        <Part title="Timeline">
          <TimelineStrip job={job} />
        </Part>
        <Part title="Attempts">
          <Attempts job={job} />
        </Part>
      </div>
      <div className="flex min-w-0 flex-col gap-6">
        <JobFacts job={job} />
        {job.progress !== undefined && (
          <Part title="Progress">
            <p className="flex flex-wrap items-baseline gap-x-3">
              <code className="min-w-0 font-mono text-xs break-words">{JSON.stringify(job.progress.value)}</code>
              <span className="text-xs text-faint">
                <RelativeTime at={job.progress.at} />
              </span>
            </p>
          </Part>
        )}
        <Part title="Priority over time">
          <PriorityChart job={job} />
        </Part>
      </div>
    </div>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-2">
      <h2 className="font-medium">{title}</h2>
      {children}
    </section>
  );
}
