import type { JobDetail, JobWhy } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleHelp, CircleX, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { useMay } from "../../api/session.ts";
import { exactDuration } from "../../format/time.ts";
import { Button } from "../../ui/button.tsx";
import { classes } from "../../ui/classes.ts";
import { ErrorNote } from "../../ui/error-note.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { actWords } from "../act-words.ts";
import { whyQuery } from "../queries.ts";
import { JobStatusBadge } from "../status.tsx";
import { finalStatuses } from "../words.ts";
import { whyWords } from "./why-words.ts";

interface WhyPanelProps {
  job: JobDetail;
  onAct: (action: JobWhy["actions"][number]) => void;
}

/** Why it is not running, in words, with what it waits for and what can be done about it. */
export function WhyPanel({ job, onAct }: WhyPanelProps) {
  const final = finalStatuses.includes(job.status);
  const { data, error, refetch } = useQuery({ ...whyQuery(job.id), enabled: !final });
  if (final) return <Ended job={job} />;
  if (error !== null && data === undefined) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton className="h-16" />;
  const runs = data.kind === "running" || data.kind === "claimed";
  const icon = runs ? (
    <LoaderCircle aria-hidden size={16} className="animate-turn text-busy" />
  ) : (
    <CircleHelp aria-hidden size={16} className="text-warn" />
  );
  return (
    <Panel
      icon={icon}
      title={runs ? "It runs" : "Why is it not running?"}
      ground={runs ? "bg-busy-soft" : "bg-warn-soft"}
    >
      <p className="break-words">{whyWords(job.name, data)}</p>
      <Next why={data} />
      <HeldBy why={data} />
      {!runs && <Actions why={data} onAct={onAct} />}
    </Panel>
  );
}

function Panel({
  icon,
  title,
  ground,
  children,
}: {
  icon: ReactNode;
  title: string;
  ground: string;
  children: ReactNode;
}) {
  return (
    <section
      aria-label={title}
      className={classes("flex items-start gap-2.5 rounded-md border border-line p-3", ground)}
    >
      <span className="mt-0.5 shrink-0">{icon}</span>
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        <h2 className="text-xs font-medium text-muted">{title}</h2>
        {children}
      </div>
    </section>
  );
}

function Ended({ job: { failure, status } }: { job: JobDetail }) {
  if (failure === undefined || status === "processed") return null;
  return (
    <Panel
      icon={<CircleX aria-hidden size={16} className="text-bad" />}
      title={`Why it is ${status}`}
      ground="bg-bad-soft"
    >
      <p className="break-words whitespace-pre-wrap">
        <span className="mr-2 font-mono text-xs text-muted">{failure.code}</span>
        {failure.message}
      </p>
      <FailureMore {...failure} />
    </Panel>
  );
}

/** Details and stack, folded away. */
export function FailureMore({ stack, details }: { stack?: string | undefined; details?: unknown }) {
  if (stack === undefined && details === undefined) return null;
  const box = "mt-1 max-h-72 overflow-auto rounded-sm border border-line bg-panel p-2 font-mono";
  return (
    <details className="text-xs">
      <summary className="w-fit rounded-sm text-muted hover:text-text">Stack and details</summary>
      {details !== undefined && <pre className={box}>{JSON.stringify(details, null, 2)}</pre>}
      {stack !== undefined && <pre className={box}>{stack}</pre>}
    </details>
  );
}

const link = "text-accent-text underline decoration-1 underline-offset-2";

/** Where to look, by what kind of reason it is. */
function Next({ why: { kind, queue, process, limits } }: { why: JobWhy }) {
  const queueLink = (
    <Link to="/jobs/queues/$name" params={{ name: queue }} className={link}>
      {queue}
    </Link>
  );
  if (kind === "paused") return <p className="text-muted">Resume the queue {queueLink}, or run this job now.</p>;
  if (kind === "limit") {
    return (
      <p className="text-muted">
        See the limits of {queueLink}
        {limits.length > 0 && `: ${limits.join(", ")}`}.
      </p>
    );
  }
  if (kind === "no-worker") {
    return (
      <p className="text-muted">
        See what the{" "}
        <Link to="/jobs/processes" className={link}>
          processes
        </Link>{" "}
        run, and start one that has a handler for it.
      </p>
    );
  }
  if ((kind === "running" || kind === "claimed") && process !== undefined) {
    return (
      <p className="text-muted">
        In the process{" "}
        <Link to="/jobs/processes/$id" params={{ id: process }} className={classes("font-mono text-xs", link)}>
          {process}
        </Link>
        .
      </p>
    );
  }
  return null;
}

function HeldBy({ why: { heldBy } }: { why: JobWhy }) {
  if (heldBy.length === 0) return null;
  return (
    <ul aria-label="Held by" className="flex flex-col gap-0.5">
      {heldBy.map(({ id, name, status, attempt, attempts, nextInMs, held }) => (
        <li key={id} className="flex flex-wrap items-center gap-x-3">
          <Link to="/jobs/$id" params={{ id }} className={classes("font-medium", link)}>
            {name} <span className="font-mono text-xs">{id}</span>
          </Link>
          <JobStatusBadge status={status} />
          <span className="text-xs text-muted">
            attempt {attempt} of {attempts}
            {nextInMs !== undefined && `, next in ${exactDuration(nextInMs)}`}
            {held === true && ", held by hand"}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Actions({ why: { actions, kind }, onAct }: { why: JobWhy; onAct: WhyPanelProps["onAct"] }) {
  const mayAct = useMay("operator");
  // Without a worker nothing runs, not now either.
  const helps = (action: JobWhy["actions"][number]): boolean => action !== "run-now" || kind !== "no-worker";
  const offered = actions.filter((action) => action !== "cancel" && helps(action));
  if (!mayAct || offered.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-2 pt-1">
      {offered.map((action) => (
        <Button key={action} icon={actWords[action].icon} onClick={() => onAct(action)}>
          {actWords[action].label}
        </Button>
      ))}
    </div>
  );
}
