import type { Timings } from "../src/index.ts";

/** Short waits: what must not happen in time is told by the store's clock, not by these. */
export const quick: Partial<Timings> = {
  firstLookMs: 20,
  lookEveryMs: 500,
  createQuietMs: 300,
  unreachableRetryMs: 50,
  watchdogEveryMs: 100,
  callAgainMs: 150,
  // A test that is about sweeps and feeds says how often.
  sweepEveryMs: 3_600_000,
  feedEveryMs: 3_600_000,
};
