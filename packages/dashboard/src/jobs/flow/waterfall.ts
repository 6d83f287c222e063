import type { FlowNodeView, FlowStageView, JobFlow } from "@provost/contract";
import { durationAxisTo } from "../../charts/scale.ts";

/** The time that a flow covers, in ms. */
export interface Span {
  start: number;
  end: number;
}

/** A stretch of the span, as parts of it from 0 to 1. */
export interface Bar {
  from: number;
  to: number;
  kind: "wait" | "run";
}

/** `now` by the store's clock. */
export function spanOf({ createdAt, finishedAt }: Pick<JobFlow, "createdAt" | "finishedAt">, now: number): Span {
  const start = Date.parse(createdAt);
  return { start, end: Math.max(start + 1, finishedAt === undefined ? now : Date.parse(finishedAt)) };
}

/**
 * A job's waits and its latest run. What it did before that is waiting here: a tree of thousands says when each of them began
 * last, its own page has the rest.
 */
export function barsOf(node: FlowNodeView, span: Span, now: number): Bar[] {
  const { createdAt, startedAt, finishedAt, status } = node;
  const end = finishedAt === undefined ? now : Date.parse(finishedAt);
  const created = Date.parse(createdAt);
  if (startedAt === undefined) return bars(span, [created, end, "wait"]);
  const started = Date.parse(startedAt);
  const runs = status === "in_progress" || finishedAt !== undefined;
  return bars(span, [created, started, "wait"], [started, end, runs ? "run" : "wait"]);
}

/** From the first start of a stage's jobs to their last end, or to now. */
export function stageBar({ firstStartedAt, lastFinishedAt, state }: FlowStageView, span: Span, now: number): Bar[] {
  if (firstStartedAt === undefined) return [];
  const lasts = state === "open" || lastFinishedAt === undefined;
  return bars(span, [Date.parse(firstStartedAt), lasts ? now : Date.parse(lastFinishedAt), "run"]);
}

function bars({ start, end }: Span, ...stretches: [number, number, Bar["kind"]][]): Bar[] {
  const part = (at: number): number => Math.min(1, Math.max(0, (at - start) / (end - start)));
  return stretches
    .filter(([from, to]) => to >= from)
    .map(([from, to, kind]) => ({ from: part(from), to: part(to), kind }));
}

/** Times since the beginning that the axis names, with where they stand. */
export function ticksOf({ start, end }: Span, most: number): { at: number; ms: number }[] {
  const length = end - start;
  return durationAxisTo(length, most)
    .ticks.filter((ms) => ms <= length)
    .map((ms) => ({ at: ms / length, ms }));
}
