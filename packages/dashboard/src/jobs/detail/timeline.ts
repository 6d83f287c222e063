import type { JobDetail } from "@provost/contract";

type Stretch = JobDetail["timeline"][number];

/** A piece of the strip: where it begins and ends, as parts of the whole, and what it is. */
export interface StripPiece {
  from: number;
  to: number;
  kind: "waiting" | "running" | "end";
  stretch: Stretch;
}

const ended: readonly Stretch["status"][] = ["processed", "failed", "cancelled"];

/** When the last thing happened to it; `now` while something lasts. */
export function endOf(timeline: readonly Stretch[], now: number): number {
  const last = timeline.at(-1);
  if (last === undefined) return now;
  if (ended.includes(last.status)) return Date.parse(last.from);
  return last.to === undefined ? now : Date.parse(last.to);
}

/** A job's life on one line. The end of it is a point, not a stretch: it lasts for ever. */
export function stripOf(timeline: readonly Stretch[], now: number): StripPiece[] {
  const first = timeline[0];
  if (first === undefined) return [];
  const start = Date.parse(first.from);
  const span = Math.max(1, endOf(timeline, now) - start);
  const part = (at: number): number => Math.min(1, Math.max(0, (at - start) / span));
  return timeline.map((stretch) => {
    const from = part(Date.parse(stretch.from));
    if (ended.includes(stretch.status)) return { from, to: from, kind: "end", stretch };
    const to = part(stretch.to === undefined ? now : Date.parse(stretch.to));
    return { from, to, kind: stretch.status === "in_progress" ? "running" : "waiting", stretch };
  });
}

/** How long it waited and how long it ran, all attempts together. */
export function sumsOf(timeline: readonly Stretch[], now: number): { waitedMs: number; ranMs: number } {
  let waitedMs = 0;
  let ranMs = 0;
  for (const { status, from, to } of timeline) {
    if (ended.includes(status)) continue;
    const took = Math.max(0, (to === undefined ? now : Date.parse(to)) - Date.parse(from));
    if (status === "in_progress") ranMs += took;
    else waitedMs += took;
  }
  return { waitedMs, ranMs };
}
