import type { FlowNodeView, FlowStageView, JobStatusName } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, LoaderCircle } from "lucide-react";
import type { CSSProperties } from "react";
import { count } from "../../format/numbers.ts";
import { exactDuration } from "../../format/time.ts";
import { Tag, type Tone } from "../../ui/badge.tsx";
import { classes } from "../../ui/classes.ts";
import { JobStatusBadge, statusLooks } from "../status.tsx";
import { jobStatuses } from "../words.ts";
import type { FlowRow } from "./rows.ts";
import { barsOf, stageBar, ticksOf, type Bar, type Span } from "./waterfall.ts";

interface FlowLineProps {
  id: string;
  row: FlowRow;
  span: Span;
  now: number;
  tree: boolean;
  narrow: boolean;
  current: string;
  reading: string | undefined;
  active: boolean;
  onChoose: () => void;
  onToggle: (key: string) => void;
  onMore: (stage: string) => void;
  style: CSSProperties;
}

/** One line: what it is at the left; its bars, or its figures, at the right. */
export function FlowLine(props: FlowLineProps) {
  const { id, row, current, active, onChoose, style, tree } = props;
  const here = row.kind === "job" && row.job.id === current;
  return (
    <div
      id={id}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-selected={active}
      aria-current={here || undefined}
      aria-expanded={row.kind === "stage" || (row.kind === "job" && row.below) ? row.open : undefined}
      tabIndex={-1}
      onClick={onChoose}
      style={style}
      className={classes(
        "absolute inset-x-0 top-0 grid items-center gap-x-3 border-b border-line px-4 md:px-6",
        here ? "bg-accent-soft" : row.kind === "stage" ? "bg-panel" : "hover:bg-hover",
        active && "inset-shadow-[2px_0_0_var(--accent)]",
      )}
    >
      <div
        className="flex min-w-0 items-center gap-1.5 overflow-hidden"
        style={{ paddingLeft: row.depth * (props.narrow ? 6 : 14) }}
      >
        <Label {...props} />
      </div>
      {tree ? <Figures {...props} /> : <Bars {...props} />}
    </div>
  );
}

function Label({ row, onToggle, onMore, reading }: FlowLineProps) {
  if (row.kind === "more") {
    const busy = reading === row.stage.id;
    return (
      <button
        type="button"
        tabIndex={-1}
        disabled={busy}
        onClick={() => onMore(row.stage.id)}
        className="ml-5 inline-flex items-center gap-1.5 truncate rounded-sm text-accent-text hover:underline"
      >
        {busy && <LoaderCircle aria-hidden size={13} className="animate-turn" />}
        {row.left > 500 ? `500 of ${count(row.left)} more` : `${count(row.left)} more`}
      </button>
    );
  }
  const closable = row.kind === "stage" || row.below;
  return (
    <>
      {closable ? <Toggle open={row.open} onToggle={() => onToggle(row.key)} /> : <span className="w-5 shrink-0" />}
      {row.kind === "stage" ? <StageLabel row={row} /> : <JobLabel job={row.job} onFailed={row.onFailed} />}
    </>
  );
}

function Toggle({ open, onToggle }: { open: boolean; onToggle: () => void }) {
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-hidden
      onClick={onToggle}
      className="inline-flex size-5 shrink-0 items-center justify-center rounded-sm text-faint hover:bg-pressed hover:text-text"
    >
      <Icon size={14} />
    </button>
  );
}

const policyTells: Record<FlowStageView["policy"], string> = {
  "all-processed": "Passes when all of its jobs are processed; every one runs to its end",
  "fail-fast": "Fails with its first failure, which cancels those that have not begun",
  "all-settled": "Passes when all of its jobs have ended, however they did",
};
const stateTones: Record<FlowStageView["state"], string> = {
  waiting: "text-muted",
  open: "text-busy",
  passed: "text-good",
  failed: "text-bad",
  blocked: "text-muted",
};

function StageLabel({ row: { stage, stages } }: { row: Extract<FlowRow, { kind: "stage" }> }) {
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="font-medium whitespace-nowrap">
        Stage {stage.position + 1}
        <span className="font-normal text-faint max-md:sr-only"> of {stages}</span>
      </span>
      <span className={classes("text-xs", stateTones[stage.state])}>{stage.state}</span>
      {stage.policy !== "all-processed" && (
        <span className="max-md:hidden">
          <Tag title={policyTells[stage.policy]}>{stage.policy}</Tag>
        </span>
      )}
    </span>
  );
}

const iconTones: Record<Tone, string> = {
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  busy: "text-busy",
  idle: "text-faint",
};

function JobLabel({ job, onFailed }: { job: FlowNodeView; onFailed: boolean }) {
  const { icon: Icon, tone, turning } = statusLooks[job.status];
  return (
    <>
      <Icon
        aria-hidden
        size={14}
        className={classes("shrink-0", iconTones[tone], turning === true && "animate-turn")}
      />
      <Link
        to="/jobs/$id"
        params={{ id: job.id }}
        tabIndex={-1}
        title={`${job.name} ${job.id}, ${job.status}`}
        className="truncate rounded-sm hover:text-accent-text hover:underline"
      >
        {job.name}
      </Link>
      <span className="font-mono text-xs text-faint max-md:sr-only">{job.id}</span>
      {job.held === true && <Tag title="Held by hand">held</Tag>}
      {onFailed && <Tag title="Run when the flow fails">on failure</Tag>}
      <span className="sr-only">{job.status}</span>
    </>
  );
}

/** `40 processed, 2 failed`. */
function stageWords({ counts }: FlowStageView): string {
  return jobStatuses
    .filter((status) => (counts[status] ?? 0) > 0)
    .map((status) => `${count(counts[status] ?? 0)} ${status}`)
    .join(", ");
}

function tookMs({ startedAt, finishedAt, status }: FlowNodeView, now: number): number | undefined {
  if (startedAt === undefined) return undefined;
  if (finishedAt === undefined && status !== "in_progress") return undefined;
  return (finishedAt === undefined ? now : Date.parse(finishedAt)) - Date.parse(startedAt);
}

function Took({ row, now }: Pick<FlowLineProps, "row" | "now">) {
  const took = row.kind === "job" ? tookMs(row.job, now) : undefined;
  return (
    <span className="truncate text-right text-xs text-muted">{took === undefined ? "" : exactDuration(took)}</span>
  );
}

function Figures({ row, narrow, now }: FlowLineProps) {
  if (row.kind === "more") return null;
  if (row.kind === "stage")
    return <span className="col-span-full col-start-2 truncate text-xs text-muted">{stageWords(row.stage)}</span>;
  const { status, queue, attemptsUsed, attempts, failure } = row.job;
  return (
    <>
      <JobStatusBadge status={status} />
      {!narrow && (
        <>
          <span className="truncate">{queue}</span>
          <span className="text-right">
            {attemptsUsed}
            <span className="text-faint">/{attempts}</span>
          </span>
          <Took row={row} now={now} />
          <span className="truncate pl-4 text-muted" title={failure?.message}>
            {failure?.message}
          </span>
        </>
      )}
    </>
  );
}

const runInks: Record<JobStatusName, string> = {
  waiting: "bg-faint",
  delayed: "bg-faint",
  queued: "bg-faint",
  in_progress: "bg-busy",
  processed: "bg-good",
  failed: "bg-bad",
  cancelled: "bg-faint",
};

function Bars({ row, span, now, narrow }: FlowLineProps) {
  if (row.kind === "more") return null;
  const bars = row.kind === "stage" ? stageBar(row.stage, span, now) : barsOf(row.job, span, now);
  return (
    <>
      <div className="relative h-full" title={row.kind === "stage" ? stageWords(row.stage) : barWords(row.job, now)}>
        {ticksOf(span, narrow ? 3 : 5).map(({ at, ms }) => (
          <span key={ms} aria-hidden className="absolute inset-y-0 w-px bg-line" style={{ left: `${at * 100}%` }} />
        ))}
        {bars.map((bar) => (
          <BarShape
            key={`${bar.kind}-${bar.from}`}
            bar={bar}
            ink={row.kind === "stage" ? "bg-line-strong" : runInks[row.job.status]}
            thin={row.kind === "stage"}
          />
        ))}
      </div>
      {!narrow &&
        (row.kind === "stage" ? (
          <span className="truncate text-right text-xs text-faint">{doneOf(row.stage)}</span>
        ) : (
          <Took row={row} now={now} />
        ))}
    </>
  );
}

function BarShape({ bar: { from, to, kind }, ink, thin }: { bar: Bar; ink: string; thin: boolean }) {
  return (
    <span
      style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
      className={classes(
        "absolute rounded-xs",
        kind === "run" ? "min-w-0.5" : "job-wait",
        kind === "run" && ink,
        thin ? "top-[14px] h-1" : "top-[10px] h-3",
      )}
    />
  );
}

function barWords(job: FlowNodeView, now: number): string {
  const { createdAt, startedAt, status } = job;
  const waited = (startedAt === undefined ? now : Date.parse(startedAt)) - Date.parse(createdAt);
  const ran = tookMs(job, now);
  return `${status}: waited ${exactDuration(waited)}${ran === undefined ? "" : `, ran ${exactDuration(ran)}`}`;
}

function doneOf(stage: FlowStageView): string {
  const total = Object.values(stage.counts).reduce((sum, each) => sum + each, 0);
  const done = (stage.counts.processed ?? 0) + (stage.counts.failed ?? 0) + (stage.counts.cancelled ?? 0);
  return `${count(done)} / ${count(total)}`;
}
