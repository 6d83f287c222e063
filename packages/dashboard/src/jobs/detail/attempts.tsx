import type { JobAttemptView, JobDetail } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import {
  Ban,
  Bug,
  CircleCheck,
  Clock,
  LoaderCircle,
  PowerOff,
  RotateCw,
  Undo2,
  Unplug,
  type LucideIcon,
} from "lucide-react";
import { useState } from "react";
import { useNow } from "../../format/clock.ts";
import { exactDuration } from "../../format/time.ts";
import { StatusBadge, type Tone } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { FailureMore } from "./why-panel.tsx";

type Cause = JobAttemptView["cause"];

const causes: Record<Cause, { tone: Tone; icon: LucideIcon; tells: string }> = {
  released: { tone: "idle", icon: RotateCw, tells: "It handed itself back, to look again later" },
  deferred: { tone: "idle", icon: Undo2, tells: "Put off by what it needs; it costs no attempt" },
  error: { tone: "bad", icon: Bug, tells: "Its handler threw" },
  timeout: { tone: "bad", icon: Clock, tells: "It ran for longer than it may" },
  crashed: { tone: "bad", icon: PowerOff, tells: "The process that ran it died" },
  lost: { tone: "bad", icon: Unplug, tells: "Its process was not heard of any more" },
  cancelled: { tone: "idle", icon: Ban, tells: "It was told to end" },
};

const shownFirst = 20;

/** Attempts, newest first, with what ended each of them. */
export function Attempts({ job }: { job: JobDetail }) {
  const [all, setAll] = useState(false);
  const attempts = job.attemptList.toReversed();
  const shown = all ? attempts : attempts.slice(0, shownFirst);
  if (attempts.length === 0 && job.startedAt === undefined) return <p className="text-muted">None has begun.</p>;
  return (
    <>
      <ol className="flex flex-col">
        <Latest job={job} />
        {shown.map((attempt) => (
          <Attempt key={attempt.fence} id={job.id} attempt={attempt} />
        ))}
      </ol>
      {shown.length < attempts.length && (
        <Button kind="quiet" className="self-start" onClick={() => setAll(true)}>
          Show all {attempts.length}
        </Button>
      )}
    </>
  );
}

/** The attempt that runs, or the one that was processed: neither is among those that ended otherwise. */
function Latest({ job }: { job: JobDetail }) {
  const now = useNow();
  const stretch = job.timeline.findLast(({ status }) => status === "in_progress");
  if (stretch === undefined || stretch.cause !== undefined) return null;
  if (job.status !== "in_progress" && job.status !== "processed") return null;
  const running = job.status === "in_progress";
  const took = exactDuration((stretch.to === undefined ? now : Date.parse(stretch.to)) - Date.parse(stretch.from));
  return (
    <li className="flex flex-wrap items-center gap-x-3 border-b border-line py-2 last:border-b-0">
      <Number value={(job.attemptList.at(-1)?.attempt ?? 0) + 1} />
      <StatusBadge tone={running ? "busy" : "good"} icon={running ? LoaderCircle : CircleCheck} turning={running}>
        {job.status}
      </StatusBadge>
      <span className="text-muted">{running ? `for ${took}` : took}</span>
      <LogsLink id={job.id} fence={stretch.fence} />
    </li>
  );
}

function Number({ value }: { value: number }) {
  return <span className="w-6 text-right font-mono text-xs text-faint">{value}</span>;
}

function LogsLink({ id, fence }: { id: string; fence: number | undefined }) {
  if (fence === undefined) return null;
  return (
    <Link
      to="/jobs/$id"
      params={{ id }}
      search={{ tab: "logs", attempt: String(fence) }}
      className="ml-auto rounded-sm text-xs text-accent-text hover:underline"
    >
      Logs
    </Link>
  );
}

function Attempt({ id, attempt }: { id: string; attempt: JobAttemptView }) {
  const { cause, failure, startedAt, endedAt, priorityBefore, priorityAfter } = attempt;
  const { tone, icon, tells } = causes[cause];
  return (
    <li className="flex flex-col gap-1 border-b border-line py-2 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3">
        <Number value={attempt.attempt} />
        <StatusBadge tone={tone} icon={icon} title={tells}>
          {cause}
        </StatusBadge>
        <span className="text-muted">{exactDuration(Date.parse(endedAt) - Date.parse(startedAt))}</span>
        <span className="text-xs text-faint">
          <RelativeTime at={endedAt} />
        </span>
        {priorityBefore !== priorityAfter && (
          <span className="text-xs text-faint" title="Its priority before and after">
            priority {priorityBefore} → {priorityAfter}
          </span>
        )}
        <LogsLink id={id} fence={attempt.fence} />
      </div>
      {failure !== undefined && (
        <div className="ml-9 flex flex-col gap-1">
          <p className="break-words whitespace-pre-wrap">
            <span className="mr-2 font-mono text-xs text-muted">{failure.code}</span>
            {failure.message}
          </p>
          <FailureMore {...failure} />
        </div>
      )}
    </li>
  );
}
