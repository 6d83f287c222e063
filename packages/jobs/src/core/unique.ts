import { checkedKey } from "./bounds.ts";
import { durationMs, type Duration } from "./duration.ts";
import { JobsError } from "./errors.ts";
import { shown } from "./shown.ts";

/**
 * What becomes of a job or flow whose unique key another one holds: that one is kept and its id given (`"keep"`), the enqueue is refused with
 * `unique_key_taken`, or the job that holds the key is replaced if it has never been started (else it is kept).
 */
export type OnClash = "keep" | "reject" | "replace";

/**
 * A unique key (L17): while an unfinished job or flow holds it no other is added, and with `for` also for so long after that
 * one's end, whether it is kept or not. A retry by hand holds it again. `onClash` is `"keep"` by default.
 */
export type Unique = string | { key: string; for?: Duration; onClash?: OnClash };

/** As a Transporter takes it: what is kept on a clash need not be said. */
export interface UniqueSetting {
  uniqueKey?: string;
  uniqueKeptMs?: number;
  onClash?: "reject" | "replace";
}

/** As a Transporter takes it. Throws `invalid_options`. */
export function uniqueOf(unique: Unique | undefined): UniqueSetting {
  if (unique === undefined) return {};
  if (typeof unique === "string") return { uniqueKey: checkedKey(unique, "unique") };
  const keptMs = unique.for === undefined ? 0 : durationMs(unique.for, "unique.for");
  const onClash = checkedOnClash(unique.onClash ?? "keep");
  return {
    uniqueKey: checkedKey(unique.key, "unique.key"),
    ...(keptMs === 0 ? {} : { uniqueKeptMs: keptMs }),
    ...(onClash === "keep" ? {} : { onClash }),
  };
}

/** As `uniqueOf`, of a flow. Throws `invalid_options`. */
export function uniqueOfFlow(unique: Unique | undefined): UniqueSetting & { onClash?: "reject" } {
  const { onClash, ...setting } = uniqueOf(unique);
  if (onClash !== "replace") return onClash === undefined ? setting : { ...setting, onClash };
  throw new JobsError(
    "invalid_options",
    'unique.onClash is "replace" for a flow: only jobs of their own can be replaced; cancel the flow, or give "keep" or "reject"',
  );
}

/** The error of an enqueue that asked to be refused. */
export function keyTaken(key: string, holder: string, isFlow: boolean): string {
  return (
    `unique key ${JSON.stringify(key)} is held by ${isFlow ? "flow" : "job"} ${holder}, and onClash is "reject": ` +
    'wait for its end, or give "keep" to get its id'
  );
}

function checkedOnClash(value: unknown): OnClash {
  if (value === "keep" || value === "reject" || value === "replace") return value;
  throw new JobsError("invalid_options", `unique.onClash is ${shown(value)}: give "keep", "reject" or "replace"`);
}
