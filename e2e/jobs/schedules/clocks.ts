/** What the processes of `prove:schedules` agree on. */

/** A leader that dies leaves the clock standing for half of it (L13). */
export const leaseMs = 2_000;

/** `steady` is slower than a takeover: it loses none of its ticks to one. */
export const everyMs = { pulse: 250, steady: 3_000, flaky: 1_000, walk: 100 } as const;

export const walkShards = 4;

/** Where a shard of `walk` is: its pages are those whose number leaves the shard's as remainder. */
export interface Page {
  cycle: number;
  step: number;
}

/** Which runs of `flaky` fail: one of three. */
export function failsAt(dueAt: number): boolean {
  return (dueAt / everyMs.flaky) % 3 === 0;
}
