/** A time in which a provider could not be used; still going on when `endedAt` is undefined. */
export interface Outage {
  beganAt: number;
  endedAt?: number | undefined;
}

/**
 * C7: how much of the time between two instants no clock counted, because the provider was down. Outages may overlap, and
 * may have begun before they were noticed.
 */
export function standstillMs(outages: readonly Outage[], fromMs: number, toMs: number): number {
  const within = outages
    .map(({ beganAt, endedAt }) => ({ from: Math.max(beganAt, fromMs), to: Math.min(endedAt ?? toMs, toMs) }))
    .filter(({ from, to }) => to > from)
    .toSorted((one, other) => one.from - other.from);
  let still = 0;
  let counted = fromMs;
  for (const { from, to } of within) {
    still += Math.max(to - Math.max(from, counted), 0);
    counted = Math.max(counted, to);
  }
  return still;
}
