import type { JobDetail } from "@provost/contract";
import { stepPath } from "../../charts/scale.ts";
import { useWidth } from "../../charts/use-size.ts";
import { useNow } from "../../format/clock.ts";
import { absoluteTime, exactDuration } from "../../format/time.ts";
import { priorityLine, stepWords } from "./priority.ts";
import { endOf } from "./timeline.ts";

const height = 96;
const left = 28;
const top = 6;
const inside = height - 2 * top;
const shownMax = 6;

/** Priority over time as a step line; what lowered it stands below, newest first. */
export function PriorityChart({ job }: { job: JobDetail }) {
  const now = useNow();
  const [ref, width] = useWidth();
  const { priorities: steps, timeline, basePriority, priority } = job;
  const inner = Math.max(0, width - left - 4);
  const { points, axis, start } = priorityLine(steps, endOf(timeline, now), { width: inner, height: inside });
  const lines = steps.map((step, index) => ({ step, words: stepWords(step, steps[index - 1]) }));
  return (
    <div className="flex flex-col gap-2">
      <div
        ref={ref}
        role="img"
        aria-label={`Priority over time: given as ${basePriority}, now ${priority}, in ${steps.length} steps`}
        style={{ height }}
      >
        {width > 0 && (
          <svg aria-hidden width={width} height={height} className="block overflow-visible">
            <g transform={`translate(${left} ${top})`}>
              {axis.ticks.map((tick) => {
                const y = (1 - tick / axis.max) * inside;
                return (
                  <g key={tick}>
                    <line x2={inner} y1={y} y2={y} className="stroke-line" shapeRendering="crispEdges" />
                    <text x={-8} y={y + 4} textAnchor="end" className="fill-faint text-[11px]">
                      {tick}
                    </text>
                  </g>
                );
              })}
              <path d={stepPath(points, inner)} className="fill-none stroke-accent" strokeWidth={1.75} />
              {points.map(({ x, y }, index) => (
                <circle
                  key={`${steps[index]?.at}-${index}`}
                  cx={x}
                  cy={y}
                  r={2.5}
                  className={isFailure(steps[index]?.cause) ? "fill-bad" : "fill-accent"}
                >
                  <title>{lines[index]?.words}</title>
                </circle>
              ))}
            </g>
          </svg>
        )}
      </div>
      <ol className="flex flex-col text-xs text-muted" aria-label="Steps of the priority, newest first">
        {lines
          .toReversed()
          .slice(0, shownMax)
          .map(({ step: { at, cause }, words }, index) => (
            <li key={`${at}-${index}`} className="flex justify-between gap-3">
              <span className="truncate">{words}</span>
              <time dateTime={at} title={absoluteTime(Date.parse(at))} className="whitespace-nowrap text-faint">
                {cause === "given" ? "at the start" : `after ${exactDuration(Date.parse(at) - start)}`}
              </time>
            </li>
          ))}
        {lines.length > shownMax && <li className="text-faint">and {lines.length - shownMax} before them</li>}
      </ol>
    </div>
  );
}

function isFailure(cause: string | undefined): boolean {
  return cause === "error" || cause === "timeout" || cause === "crashed" || cause === "lost";
}
