const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `42s`, `3m`, `5h`, `12d`, `2y`: one unit, for tables. */
export function shortDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < minute) return `${Math.floor(span / second)}s`;
  if (span < hour) return `${Math.floor(span / minute)}m`;
  if (span < 2 * day) return `${Math.floor(span / hour)}h`;
  if (span < 730 * day) return `${Math.floor(span / day)}d`;
  return `${Math.floor(span / (365 * day))}y`;
}

/** `820 ms`, `4.2 s`, `1 m 07 s`, `3 h 20 m`: two units, for how long something took. */
export function exactDuration(ms: number): string {
  const span = Math.max(0, ms);
  if (span < second) return `${Math.round(span)} ms`;
  if (span < minute) return `${(Math.floor(span / 100) / 10).toFixed(1)} s`;
  if (span < hour) return two(span, minute, "m", second, "s");
  if (span < day) return two(span, hour, "h", minute, "m");
  return two(span, day, "d", hour, "h");
}

function two(span: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((span % large) / small);
  return `${Math.floor(span / large)} ${largeUnit} ${String(rest).padStart(2, "0")} ${smallUnit}`;
}

/** `just now`, `3m ago`, `in 2h`. */
export function relativeTime(at: number, now: number): string {
  const ago = now - at;
  if (Math.abs(ago) < 5 * second) return "just now";
  return ago > 0 ? `${shortDuration(ago)} ago` : `in ${shortDuration(-ago)}`;
}

/** The whole instant in the reader's own zone, with the zone, as `2026-11-22 14:03:07 GMT+1`. */
export function absoluteTime(at: number, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat("en-CA", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes): string => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")}:${of("second")} ${of("timeZoneName")}`;
}
