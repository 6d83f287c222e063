/** What becomes of what has ended (L17). */
export interface KeepingStore {
  /**
   * Removes what was kept long enough, the oldest first, at most about `limit` jobs: jobs of their own that are final, and flows
   * of which nothing is unfinished, their `onFailed` job included; with them their attempts and progress. Also unique keys past
   * their time, and managers long gone. Any manager may call it; of several at once, one works.
   */
  prune(kept: Kept, limit: number): Promise<Pruned>;
}

/** ms from the end of a job or flow. `badMs`: of failed and cancelled ones. */
export interface Kept {
  processedMs: number;
  badMs: number;
}

/** What one call of `prune` has removed. */
export interface Pruned {
  jobs: number;
  flows: number;
  /** The limit was met: call again. */
  more: boolean;
}
