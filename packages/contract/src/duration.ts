const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const pattern = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;

/**
 * Whole milliseconds of a duration as people write it in flags and configuration: `250ms`, `30s`, `15m`, `2h`, `1d`.
 * Undefined when it is none.
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text.trim());
  const unit = unitMs[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Math.ceil(Number(match[1]) * unit);
}
