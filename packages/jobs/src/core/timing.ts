import { Cron } from "croner";
import { durationMs, type Duration } from "./duration.ts";
import { JobsError } from "./errors.ts";
import { limits } from "./limits.ts";
import { shown } from "./shown.ts";

/** When a schedule ticks, as it is stored. */
export type Timing = { everyMs: number } | { cron: string; timeZone: string };

/** When a schedule ticks, as it is written: one of the two. */
export interface TimingOptions {
  /**
   * A fixed interval on the grid of its multiples since 1970, UTC: `"5m"` ticks at :00, :05, :10, whoever starts when. So a
   * restart moves nothing, and every manager computes the same due times.
   */
  every?: Duration;
  /** Five fields, or six with seconds first: `"0 3 * * *"`. */
  cron?: string;
  /** IANA name, for `cron`; UTC by default. */
  timeZone?: string;
}

/** How many parsed patterns are kept: parsing is the dearest part of a look ahead. */
const parsedKeptMax = 1_000;

const parsed = new Map<string, Cron>();

/**
 * @param what names the schedule in the error.
 * @throws JobsError `invalid_definition` for both or none of `every` and `cron`, an interval out of bounds, a pattern or time
 *   zone that is none, or a pattern that never comes.
 */
export function timingOf({ every, cron, timeZone }: TimingOptions, what: string): Timing {
  if ((every === undefined) === (cron === undefined)) {
    throw refused(`${what} has ${every === undefined ? "neither every nor cron" : "every and cron"}: give one of them`);
  }
  if (cron !== undefined) return cronTiming(cron, timeZone ?? "UTC", what);
  if (timeZone !== undefined) throw refused(`${what} has a timeZone without cron: intervals are counted in UTC`);
  const everyMs = durationMs(every ?? 0, `every of ${what}`);
  if (everyMs >= limits.everyMsMin) return { everyMs };
  throw refused(
    `every of ${what} is ${shown(every)}: at least ${limits.everyMsMin} ms (limits.everyMsMin); for more let a run do several steps`,
  );
}

/**
 * The first due time after `after` (ms since 1970), never `after` itself; undefined when none comes any more.
 *
 * Cron in a time zone: a fixed time of day that daylight saving leaves out comes when the clock has jumped, one that occurs
 * twice comes once, at its first occurrence; patterns with a wildcard or step follow the wall clock, the repeated hour included.
 */
export function nextDue(timing: Timing, after: number): number | undefined {
  if ("everyMs" in timing) return (Math.floor(after / timing.everyMs) + 1) * timing.everyMs;
  return cronOf(timing).nextRun(new Date(after))?.getTime();
}

/** The next `count` due times after `after`, fewer where no more come. */
export function nextRuns(timing: Timing, after: number, count: number): number[] {
  const runs: number[] = [];
  for (let at = nextDue(timing, after); at !== undefined && runs.length < count; at = nextDue(timing, at))
    runs.push(at);
  return runs;
}

/** The last due time at or before `until`. */
export function lastDue(timing: Timing, until: number): number | undefined {
  if ("everyMs" in timing) return Math.floor(until / timing.everyMs) * timing.everyMs;
  // Exclusive of its reference.
  return cronOf(timing)
    .previousRuns(1, new Date(until + 1))[0]
    ?.getTime();
}

/** As the store keeps it, and compares it with what code says. */
export function timingText(timing: Timing): string {
  return JSON.stringify(timing);
}

/** Undefined for what a newer release has written and this one cannot read. */
export function timingFrom(text: string): Timing | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked right below
    const timing = JSON.parse(text) as Partial<{ everyMs: number; cron: string; timeZone: string }>;
    if (typeof timing.everyMs === "number") return timingOf({ every: timing.everyMs }, "it");
    if (typeof timing.cron !== "string") return undefined;
    return timingOf(
      { cron: timing.cron, ...(timing.timeZone === undefined ? {} : { timeZone: timing.timeZone }) },
      "it",
    );
  } catch {
    return undefined;
  }
}

function cronTiming(cron: unknown, timeZone: unknown, what: string): Timing {
  if (typeof cron !== "string" || typeof timeZone !== "string") {
    throw refused(`${what}: cron ${shown(cron)} in ${shown(timeZone)}: give both as text`);
  }
  const timing = { cron, timeZone };
  let next: number | undefined;
  try {
    const pattern = cronOf(timing);
    if (pattern.getPattern() === undefined) throw refused(`${what}: cron ${shown(cron)} is an instant`);
    next = nextDue(timing, 0);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new JobsError(
      "invalid_definition",
      `${what}: cron ${shown(cron)} in ${shown(timeZone)} cannot be used (${reason}): ` +
        'give five fields, or six with seconds first, and an IANA time zone: "0 3 * * *" in "Europe/Berlin"',
      { cause },
    );
  }
  if (next !== undefined) return timing;
  throw refused(`${what}: cron ${shown(cron)} never comes: there is no such date`);
}

function cronOf({ cron, timeZone }: { cron: string; timeZone: string }): Cron {
  const key = JSON.stringify([cron, timeZone]);
  let pattern = parsed.get(key);
  if (pattern === undefined) {
    pattern = new Cron(cron, { timezone: timeZone, mode: "5-or-6-parts" });
    const oldest = parsed.size >= parsedKeptMax ? parsed.keys().next().value : undefined;
    if (oldest !== undefined) parsed.delete(oldest);
    parsed.set(key, pattern);
  }
  return pattern;
}

function refused(message: string): JobsError {
  return new JobsError("invalid_definition", message);
}
