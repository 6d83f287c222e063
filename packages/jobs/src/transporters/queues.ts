import type { QueueSettings } from "../core/queue.ts";

/** Settings of queues, which the store itself enforces at every claim, whichever host makes it (L2, L14, L16). */
export interface QueueStore {
  /**
   * Changes what is named, keeps the rest, and returns what holds from now on. A concurrency limit is never overshot: what
   * runs already counts, and no claim that began before the change slips past it; for that a first limit waits for open transactions
   * that touch jobs, 2 s at most. Ready jobs of a resumed queue are hinted at. Throws `store_unavailable`: then nothing was changed.
   */
  configure(queue: string, change: Partial<QueueSettings>): Promise<QueueSettings>;
  /** Queues that were ever configured, by name; the others have `queueDefaults`. */
  list(): Promise<ConfiguredQueue[]>;
}

/** A queue that was ever configured, with what holds for it. */
export interface ConfiguredQueue extends QueueSettings {
  queue: string;
  /** What its rate lets start now, by the store's clock; of queues with a rate. Below 1: the next waits for it. */
  tokens?: number;
}

/**
 * Why a `direct` or `force-gate` was refused (L5). `gate`: it is closed. `concurrency`, `key-concurrency`: the queue's or the
 * key's limit is reached. `running`, `final`, `budget`: it runs, has ended, or has no attempt left. `held`: a person holds it: unhold it
 * first. `no-gate`: none holds it.
 */
export type DirectRefusal =
  | "gate"
  | "concurrency"
  | "key-concurrency"
  | "running"
  | "final"
  | "budget"
  | "held"
  | "no-gate";
