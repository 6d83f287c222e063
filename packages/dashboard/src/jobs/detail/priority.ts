import type { JobDetail } from "@provost/contract";
import { axisTo, type Axis, type Point } from "../../charts/scale.ts";

type Step = JobDetail["priorities"][number];

export interface PriorityLine {
  points: Point[];
  axis: Axis;
  /** When the first step was, in ms. */
  start: number;
}

/** Priority over time in a box: each step holds until the next one, the last until `end` (now, or the job's end). */
export function priorityLine(
  steps: readonly Step[],
  end: number,
  box: { width: number; height: number },
): PriorityLine {
  const start = steps[0] === undefined ? end : Date.parse(steps[0].at);
  const span = Math.max(1, end - start);
  const axis = axisTo(Math.max(1, ...steps.map(({ priority }) => priority)), 4);
  const points = steps.map(({ at, priority }) => ({
    x: Math.min(1, Math.max(0, (Date.parse(at) - start) / span)) * box.width,
    y: (1 - priority / axis.max) * box.height,
  }));
  return { points, axis, start };
}

/** What made a step, in words. */
export function stepWords({ priority, cause }: Step, before: Step | undefined): string {
  if (cause === "given") return `given as ${priority}`;
  if (cause === "changed") return `set to ${priority} by hand`;
  const why = causeWords[cause];
  return before === undefined || before.priority === priority
    ? `${why}: stays at ${priority}`
    : `${why}: ${before.priority} → ${priority}`;
}

const causeWords: Record<Exclude<Step["cause"], "given" | "changed">, string> = {
  released: "released itself",
  deferred: "deferred",
  error: "ended in an error",
  timeout: "ran into its timeout",
  crashed: "its process crashed",
  lost: "its process was lost",
  cancelled: "was cancelled",
};
