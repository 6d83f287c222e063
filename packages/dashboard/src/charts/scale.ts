/** Charts are a few paths of SVG: what they need of scales and paths, as pure functions. */

export interface Axis {
  max: number;
  /** From 0 to `max`, at round values. */
  ticks: number[];
}

/** An axis from 0 that holds `value`, with at most `ticksMax` steps of 1, 2 or 5 times a power of ten; `least` is the smallest step. */
export function axisTo(value: number, ticksMax: number, least = 1): Axis {
  const rough = Math.max(value, 0) / ticksMax;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, least)));
  const step = Math.max(least, ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power);
  return steps(value, step);
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** Steps of time that people count in, from a second to a day. */
const timeSteps = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * second),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minute),
  ...[1, 2, 3, 6, 12].map((hours) => hours * hour),
];

/** The same for a time that took milliseconds: at whole seconds, minutes, hours and days once it is that long. */
export function durationAxisTo(ms: number, ticksMax: number): Axis {
  if (ms / ticksMax < second / 2) return axisTo(ms, ticksMax);
  const step = timeSteps.find((each) => each * ticksMax >= ms);
  if (step !== undefined) return steps(ms, step);
  const days = axisTo(ms / day, ticksMax);
  return { max: days.max * day, ticks: days.ticks.map((tick) => tick * day) };
}

function steps(value: number, step: number): Axis {
  const count = Math.max(1, Math.ceil(value / step));
  return { max: count * step, ticks: Array.from({ length: count + 1 }, (_, index) => index * step) };
}

export interface Point {
  x: number;
  y: number;
}

const place = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
const round = (value: number): number => Math.round(value * 10) / 10;

/** Lines from point to point; where there is none, the line has a gap. One that stands alone is a dot's width. */
export function linePath(points: readonly (Point | undefined)[]): string {
  let path = "";
  let drawing = false;
  for (const [index, point] of points.entries()) {
    if (point === undefined) {
      drawing = false;
      continue;
    }
    path += `${drawing ? "L" : "M"}${place(point)}`;
    if (!drawing && points[index + 1] === undefined) path += "h0.1";
    drawing = true;
  }
  return path;
}

/** The ground under such a line, down to `floor`. */
export function areaPath(points: readonly (Point | undefined)[], floor: number): string {
  const stretches: Point[][] = [];
  let open: Point[] | undefined;
  for (const point of points) {
    if (point === undefined) open = undefined;
    else if (open === undefined) stretches.push((open = [point]));
    else open.push(point);
  }
  return stretches
    .map((stretch) => {
      const first = stretch[0];
      const last = stretch.at(-1);
      if (first === undefined || last === undefined) return "";
      return `${linePath(stretch)}L${place({ x: last.x, y: floor })}L${place({ x: first.x, y: floor })}Z`;
    })
    .join("");
}

/** A value that holds until the next one: steps, the last of them out to `end`. */
export function stepPath(points: readonly Point[], end: number): string {
  const [first, ...rest] = points;
  if (first === undefined) return "";
  return `M${place(first)}${rest.map(({ x, y }) => `H${round(x)}V${round(y)}`).join("")}H${round(Math.max(end, points.at(-1)?.x ?? end))}`;
}

export interface Segment {
  from: number;
  to: number;
}

/** Values stacked on each other, as stretches of the axis. */
export function stack(values: readonly number[]): Segment[] {
  let top = 0;
  return values.map((value) => ({ from: top, to: (top += value) }));
}
