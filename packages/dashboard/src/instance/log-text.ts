import type { InstanceEvent } from "@provost/contract";

/** One line of a log; `mark` begins what came in one report. */
export interface LogLine {
  text: string;
  mark?: { at: string; stage: string | undefined };
}

/**
 * The log that an instance sent in its reports. A report carries the last lines of the log, so that two of them overlap: what
 * was there already is not shown twice.
 */
export function logLines(events: readonly InstanceEvent[]): LogLine[] {
  const lines: LogLine[] = [];
  for (const { log, at, stage } of events) {
    if (log === undefined || log === "") continue;
    const sent = log.replace(/\n$/, "").split("\n");
    const fresh = sent.slice(
      overlap(
        lines.map(({ text }) => text),
        sent,
      ),
    );
    lines.push(...fresh.map((text, index) => (index === 0 ? { text, mark: { at, stage } } : { text })));
  }
  return lines;
}

/** How many of `next`'s first lines are the last ones of `before`. */
export function overlap(before: readonly string[], next: readonly string[]): number {
  for (let size = Math.min(before.length, next.length); size > 0; size -= 1) {
    const tail = before.slice(before.length - size);
    if (tail.every((line, index) => line === next[index])) return size;
  }
  return 0;
}
