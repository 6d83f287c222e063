import { durationWords } from "./duration-words.ts";
import type { Timing } from "./timing.ts";

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const months = "January February March April May June July August September October November December".split(" ");

/**
 * When a schedule ticks, to be read by people: `every 5 minutes`, `at 03:00 every day (UTC)`, `at 09:30 on Monday to Friday
 * (Europe/Berlin)`. Patterns that no simple sentence says are told as they are: `by the pattern 0 3 1-7 * MON (UTC)`.
 */
export function timingWords(timing: Timing): string {
  if ("everyMs" in timing) return `every ${durationWords(timing.everyMs)}`;
  const said = cronWords(timing.cron);
  return `${said ?? `by the pattern ${timing.cron}`} (${timing.timeZone})`;
}

function cronWords(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  const [seconds = "0", minute = "*", hour = "*", day = "*", month = "*", weekday = "*"] =
    fields.length === 6 ? fields : ["0", ...fields];
  const when = timeWords(seconds, minute, hour);
  const on = dayWords(day, weekday);
  const inMonths = month === "*" ? "" : listWords(month, (each) => nameOf(months, each, 1));
  if (when === undefined || on === undefined || inMonths === undefined) return undefined;
  const daily = when.startsWith("at ") && on === "" ? " every day" : "";
  return `${when}${daily}${on}${inMonths === "" ? "" : ` in ${inMonths}`}`;
}

function timeWords(seconds: string, minute: string, hour: string): string | undefined {
  if (seconds !== "0") {
    const step = stepOf(seconds);
    return step !== undefined && minute === "*" && hour === "*" ? everyWords(step, "second") : undefined;
  }
  if (hour === "*") {
    const step = stepOf(minute);
    if (step !== undefined) return everyWords(step, "minute");
    return number(minute) === undefined ? undefined : `every hour at minute ${number(minute)}`;
  }
  const past = number(minute);
  if (past === undefined) return undefined;
  const step = stepOf(hour);
  if (step !== undefined) return `${everyWords(step, "hour")} at minute ${past}`;
  const hours = hour.split(",").map(number);
  if (hours.some((each) => each === undefined)) return undefined;
  return `at ${joined(hours.map((each) => `${two(each ?? 0)}:${two(past)}`))}`;
}

function dayWords(day: string, weekday: string): string | undefined {
  if (day === "*" && weekday === "*") return "";
  if (day === "*") {
    const said = listWords(weekday, (each) => nameOf(days, each === "7" ? "0" : each, 0));
    return said === undefined ? undefined : ` on ${said}`;
  }
  // Both at once are told by the pattern: either may fit.
  if (weekday !== "*") return undefined;
  if (day === "L") return " on the last day of the month";
  const said = listWords(day, (each) => (number(each) === undefined ? undefined : String(number(each))));
  return said === undefined ? undefined : ` on day ${said} of the month`;
}

/** `1-5` and `1,3`, each number by its name. */
function listWords(field: string, name: (each: string) => string | undefined): string | undefined {
  const said = field.split(",").map((part) => {
    const [from = "", to, more] = part.split("-");
    if (more !== undefined) return undefined;
    const first = name(from);
    const last = to === undefined ? undefined : name(to);
    if (first === undefined || (to !== undefined && last === undefined)) return undefined;
    return last === undefined ? first : `${first} to ${last}`;
  });
  return said.some((each) => each === undefined) ? undefined : joined(said.map((each) => each ?? ""));
}

function nameOf(names: readonly string[], each: string, first: number): string | undefined {
  const index = number(each);
  if (index !== undefined) return names[index - first];
  return each.length < 3 ? undefined : names.find((name) => name.toUpperCase().startsWith(each.toUpperCase()));
}

/** Of every nth: `*` is 1. */
function stepOf(field: string): number | undefined {
  if (field === "*") return 1;
  return number(/^(?:\*|0)\/(\d+)$/.exec(field)?.[1] ?? "");
}

function everyWords(step: number, unit: string): string {
  return step === 1 ? `every ${unit}` : `every ${step} ${unit}s`;
}

function number(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function joined(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
}
