import type { JobLogLine } from "@provost/contract";

/** `image=debian-13 bytes=12`: what a line carries beside its message. */
export function fieldText(fields: Record<string, unknown> | undefined): string {
  return Object.entries(fields ?? {})
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}

export function lineText({ message, fields }: JobLogLine): string {
  const more = fieldText(fields);
  return more === "" ? message : `${message} ${more}`;
}

/** The log as a file. */
export function logFile(lines: readonly JobLogLine[]): string {
  return lines.map((line) => `${line.at} ${line.stream} ${lineText(line)}\n`).join("");
}
