import { useId, useState, type ReactNode } from "react";
import { classes } from "../ui/classes.ts";
import { areaPath, linePath, stack, type Axis, type Point } from "./scale.ts";
import { useWidth } from "./use-size.ts";

export type Ink = "accent" | "good" | "bad" | "warn" | "busy" | "faint";

const strokes: Record<Ink, string> = {
  accent: "stroke-accent",
  good: "stroke-good",
  bad: "stroke-bad",
  warn: "stroke-warn",
  busy: "stroke-busy",
  faint: "stroke-faint",
};
const fills: Record<Ink, string> = {
  accent: "fill-accent",
  good: "fill-good",
  bad: "fill-bad",
  warn: "fill-warn",
  busy: "fill-busy",
  faint: "fill-line-strong",
};
const grounds: Record<Ink, string> = {
  accent: "bg-accent",
  good: "bg-good",
  bad: "bg-bad",
  warn: "bg-warn",
  busy: "bg-busy",
  faint: "bg-line-strong",
};

export interface Series {
  label: string;
  ink: Ink;
  /** One for each minute; undefined where nothing was measured. */
  values: readonly (number | undefined)[];
  dashed?: boolean;
}

interface MinuteChartProps {
  title: string;
  /** What it shows, in a sentence. */
  tells: string;
  /** When each minute began. */
  times: readonly string[];
  series: readonly Series[];
  /** Bars are stacked on each other. */
  as: "bars" | "lines" | "area";
  axis: (max: number) => Axis;
  format: (value: number) => string;
}

const height = 128;
const left = 44;
const bottom = 18;
const top = 6;

/** An hour by minutes. The legend reads the minute under the pointer, or the one that the arrow keys chose; else the latest. */
export function MinuteChart(props: MinuteChartProps) {
  const { title, tells, times, series, as, format } = props;
  const [ref, width] = useWidth();
  const [at, setAt] = useState<number>();
  const id = useId();
  const last = times.length - 1;
  const index = Math.min(at ?? last, last);
  const move = (step: number): void => setAt(Math.max(0, Math.min(last, index + step)));
  return (
    <section aria-labelledby={id} className="flex min-w-0 flex-col gap-2 px-4 py-3 md:px-5">
      <div className="flex min-h-5 flex-wrap items-baseline justify-between gap-x-4">
        <h2 id={id} className="font-medium" title={tells}>
          {title}
        </h2>
        <Legend time={times[index]} now={at === undefined} index={index} series={series} format={format} />
      </div>
      <div
        ref={ref}
        role="slider"
        tabIndex={0}
        aria-label={`${title}: ${tells}. Arrow keys go through the minutes`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, index)}
        aria-valuetext={`${clock(times[index])}: ${series.map((each) => `${each.label} ${shown(each.values[index], format)}`).join(", ")}`}
        className="rounded-sm"
        style={{ height }}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const part = (event.clientX - box.left - left) / Math.max(1, box.width - left);
          setAt(Math.max(0, Math.min(last, as === "bars" ? Math.floor(part * times.length) : Math.round(part * last))));
        }}
        onPointerLeave={() => setAt(undefined)}
        onBlur={() => setAt(undefined)}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") move(-1);
          else if (event.key === "ArrowRight") move(1);
          else if (event.key === "Home") setAt(0);
          else if (event.key === "End") setAt(last);
          else return;
          event.preventDefault();
        }}
      >
        {width > 0 && <Plot {...props} width={width} at={at} />}
      </div>
    </section>
  );
}

interface LegendProps extends Pick<MinuteChartProps, "series" | "format"> {
  time: string | undefined;
  /** It is the latest minute, which is under way. */
  now: boolean;
  index: number;
}

function Legend({ time, now, index, series, format }: LegendProps) {
  return (
    <p className="flex flex-wrap items-baseline gap-x-3 text-xs text-muted">
      {series.map(({ label, ink, values, dashed }) => (
        <span key={label} className="inline-flex items-baseline gap-1.5 whitespace-nowrap">
          <span
            aria-hidden
            className={classes(
              "inline-block self-center rounded-xs",
              dashed === true ? "h-0.5 w-3" : "size-2",
              grounds[ink],
            )}
          />
          {label}
          <span className="min-w-6 font-medium text-text">{shown(values[index], format)}</span>
        </span>
      ))}
      <span className="min-w-16 text-right whitespace-nowrap text-faint">{now ? "this minute" : clock(time)}</span>
    </p>
  );
}

function Plot({
  times,
  series,
  as,
  axis: axisFor,
  format,
  width,
  at,
}: MinuteChartProps & { width: number; at: number | undefined }) {
  const count = times.length;
  const highest = times.map((_, index) => series.reduce((sum, { values }) => combine(as, sum, values[index] ?? 0), 0));
  const axis = axisFor(Math.max(0, ...highest));
  const y = (value: number): number => top + (1 - value / axis.max) * (height - top - bottom);
  const inner = width - left;
  const x = (index: number): number =>
    left + (as === "bars" ? (index / count) * inner : (index / Math.max(1, count - 1)) * inner);
  const slot = inner / Math.max(1, count);
  const points = (values: Series["values"]): (Point | undefined)[] =>
    values.map((value, index) => (value === undefined ? undefined : { x: x(index), y: y(value) }));
  return (
    <svg aria-hidden width={width} height={height} className="block overflow-visible">
      {axis.ticks.map((tick) => (
        <g key={tick}>
          <line x1={left} x2={width} y1={y(tick)} y2={y(tick)} className="stroke-line" shapeRendering="crispEdges" />
          <text x={left - 8} y={y(tick) + 4} textAnchor="end" className="fill-faint text-[11px]">
            {format(tick)}
          </text>
        </g>
      ))}
      <TimeTicks times={times} x={x} />
      {at !== undefined && (
        <rect
          x={as === "bars" ? x(at) : x(at) - 0.5}
          width={as === "bars" ? slot : 1}
          y={top}
          height={height - top - bottom}
          className={as === "bars" ? "fill-pressed" : "fill-line-strong"}
        />
      )}
      {as === "bars" ? (
        <Bars series={series} count={count} x={x} y={y} slot={slot} />
      ) : (
        series.map(({ label, ink, values, dashed }) => (
          <g key={label}>
            {as === "area" && <path d={areaPath(points(values), y(0))} className={fills[ink]} opacity={0.14} />}
            <path
              d={linePath(points(values))}
              className={classes("fill-none", strokes[ink])}
              strokeWidth={1.5}
              strokeLinejoin="round"
              strokeLinecap="round"
              strokeDasharray={dashed === true ? "3 3" : undefined}
            />
          </g>
        ))
      )}
    </svg>
  );
}

function combine(as: MinuteChartProps["as"], sum: number, value: number): number {
  return as === "bars" ? sum + value : Math.max(sum, value);
}

interface BarsProps {
  series: readonly Series[];
  count: number;
  x: (index: number) => number;
  y: (value: number) => number;
  slot: number;
}

function Bars({ series, count, x, y, slot }: BarsProps): ReactNode {
  return Array.from({ length: count }, (_, index) =>
    stack(series.map(({ values }) => values[index] ?? 0)).map(({ from, to }, place) => {
      const ink = series[place]?.ink;
      if (ink === undefined || to === from) return null;
      const tall = Math.max(1, y(from) - y(to));
      return (
        <rect
          key={`${index}-${ink}`}
          x={x(index) + slot * 0.12}
          y={y(from) - tall}
          width={Math.max(1, slot * 0.76)}
          height={tall}
          className={fills[ink]}
        />
      );
    }),
  );
}

const ticksEvery = 15;

function TimeTicks({ times, x }: { times: readonly string[]; x: (index: number) => number }) {
  return times.map((time, index) =>
    index % ticksEvery === 0 ? (
      <text key={time} x={x(index)} y={height - 3} className="fill-faint text-[11px]">
        {clock(time)}
      </text>
    ) : null,
  );
}

function clock(time: string | undefined): string {
  return time === undefined ? "" : new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function shown(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? "–" : format(value);
}
