import { checkedKey } from "./bounds.ts";
import { durationMs, type Duration } from "./duration.ts";

/**
 * A unique key (L17): while an unfinished job or flow holds it no other is added, and with `for` also for so long after that
 * one's end, whether it is kept or not. A retry by hand holds it again.
 */
export type Unique = string | { key: string; for: Duration };

/** As a Transporter takes it. Throws `invalid_options`. */
export function uniqueOf(unique: Unique | undefined): { uniqueKey?: string; uniqueKeptMs?: number } {
  if (unique === undefined) return {};
  if (typeof unique === "string") return { uniqueKey: checkedKey(unique, "unique") };
  const keptMs = durationMs(unique.for, "unique.for");
  return { uniqueKey: checkedKey(unique.key, "unique.key"), ...(keptMs === 0 ? {} : { uniqueKeptMs: keptMs }) };
}
