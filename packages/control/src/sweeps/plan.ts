import { keyOf, lastKey } from "./order.ts";

/** How fast an account's list may be read on and on, and what is known of its pages. */
interface SweepPace {
  /** Between two pages of the whole account, in ms; 0 where no limit is known. */
  paceMs: number;
  /** How long a line takes for a page, from one to the next, in ms. */
  pageMs: number;
  /** Pages of the last complete sweep. */
  pages: number;
  /** A sweep need not be quicker than this, in ms. */
  everyMs: number;
}

/** More would gain nothing: the account's connections are shared with what people ask for. */
const linesMax = 8;
/** A line is busy for so much of its time at most: answers that take longer now and then hold nothing up. */
const busyMax = 0.7;
/** A line of its own is not worth less. */
const linePagesMin = 4;

/**
 * C10: parallel lines, as many as it takes for the answers' own time not to be what the sweep waits for: it takes a tick where
 * it can, and elsewhere what the rate budget allows.
 */
export function linesFor({ paceMs, pageMs, pages, everyMs }: SweepPace): number {
  const allowedMs = Math.max(everyMs, pages * paceMs);
  const wanted = Math.ceil((pages * pageMs) / (allowedMs * busyMax));
  return Math.max(Math.min(wanted, linesMax, Math.floor(pages / linePagesMin)), 1);
}

/** The range of ids of one line: behind `fromId`, up to and with `untilId`. */
interface Range {
  fromId: string | undefined;
  untilId: string | undefined;
  untilKey: string;
}

/** Cuts the ids at ends of pages of the sweep before, so that no page is begun twice. `ends`: by ascending key. */
export function ranges(ends: readonly string[], lines: number): Range[] {
  const inner = ends.filter((id) => id !== "");
  const cuts: string[] = [];
  for (let line = 1; line < lines; line += 1) {
    const cut = inner[Math.round(((inner.length + 1) * line) / lines) - 1];
    if (cut !== undefined && cut !== cuts.at(-1)) cuts.push(cut);
  }
  return [...cuts, undefined].map((untilId, line) => ({
    fromId: line === 0 ? undefined : cuts[line - 1],
    untilId,
    untilKey: untilId === undefined ? lastKey : keyOf(untilId),
  }));
}

/** What a line that was held up may catch up on, in ms: the budget has kept the calls for it. */
const arrearsMs = 30_000;

/** When the page after one that was due at `dueAt` is due. */
export function nextDue(dueAt: number, now: number, linePaceMs: number): number {
  return Math.max(dueAt + linePaceMs, now - arrearsMs);
}

/** Weight of the newest page. */
const newest = 0.2;

/** The moving average of how long pages take, in ms. */
export function averageMs(before: number, tookMs: number): number {
  return before === 0 ? tookMs : before * (1 - newest) + tookMs * newest;
}
