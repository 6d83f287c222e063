import { stripVTControlCharacters } from "node:util";
import type { Instance, InstanceStatus } from "@provost/contract";
import type { Paint } from "./terminal.ts";

/** `3.2 s`, `2 min 05 s`, `1 h 20 min`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** How long ago, in one unit: `12 s`, `4 min`, `3 h`, `5 d`. */
export function age(instant: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(instant)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function painted(status: InstanceStatus, paint: Paint): string {
  if (status === "provisioned" || status === "running") return paint.green(status);
  if (status === "failed" || status === "missing") return paint.red(status);
  if (status === "stopped" || status === "destroyed" || status === "released") return paint.dim(status);
  return paint.yellow(status);
}

/** The address one would connect to. */
export function address(instance: Instance): string | undefined {
  return instance.ipv4[0] ?? instance.ipv6[0];
}

/** What the server of a failed instance has cost so far (C8). */
export function cost({ tombstone }: Instance): string | undefined {
  return tombstone?.costUsd === undefined ? undefined : `$${tombstone.costUsd.toFixed(2)}`;
}

/** By when a failed instance is to be looked at (C8). */
export function expiry({ tombstone }: Instance, now: number, paint: Paint): string | undefined {
  if (tombstone === undefined) return undefined;
  const left = Date.parse(tombstone.expiresAt) - now;
  return left <= 0 ? paint.red("expired") : `in ${age(new Date(now - left).toISOString(), now)}`;
}

/** What an instance or a provider says may hold anything: control characters must not drive the reader's terminal. */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}

/** Each line set off, so that foreign words are not taken for ours. */
export function quotedLines(text: string, paint: Paint, indent = "  "): string {
  return harmless(text)
    .replace(/\n+$/, "")
    .split("\n")
    .map((line) => `${indent}${paint.dim("│")} ${line}\n`)
    .join("");
}

/** As a shell takes it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `$5`, `$0.75`. */
export function dollars(usd: number | undefined): string | undefined {
  if (usd === undefined) return undefined;
  return `$${Number.isInteger(usd) ? usd : usd.toFixed(2)}`;
}

type Waiting = NonNullable<Instance["waiting"]>;

/** In a few words: what a task cannot go on without. */
export function waitText(waiting: Waiting): string {
  return waiting.for === "budget" ? `rate limit, ${waiting.place} of ${waiting.of}` : "provider is failing";
}

/** As much as is known. */
export function waitFacts(waiting: Waiting): string {
  if (waiting.for === "budget") {
    const since = waiting.since === undefined ? "" : `, since ${waiting.since}`;
    return `the provider's rate limit: place ${waiting.place} of ${waiting.of} in the line${since}`;
  }
  return `the provider, which has been failing since ${waiting.since}${waiting.reason === undefined ? "" : `: ${waiting.reason}`}`;
}
