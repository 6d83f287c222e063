import { exactDuration } from "../format/time.ts";

/** A duration on an axis: `2 m`, not `2 m 00 s`. */
export function shortSpan(ms: number): string {
  return ms === 0
    ? "0"
    : exactDuration(ms)
        .replace(/ 00 [smh]$/, "")
        .replace(/\.0 s$/, " s");
}
