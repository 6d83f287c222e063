/** Of numbers in ascending order, the one below which this part of them lies; NaN of none. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export interface Summary {
  runs: number;
  median: number;
  min: number;
  max: number;
  /** Between the extremes, as a part of the median. */
  spread: number;
}

/** Of one figure in several runs. */
export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  const min = sorted[0] ?? Number.NaN;
  const max = sorted.at(-1) ?? Number.NaN;
  return { runs: sorted.length, median, min, max, spread: (max - min) / median };
}
