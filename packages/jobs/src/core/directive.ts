import type { Duration } from "./duration.ts";

/**
 * What a handler returns (or throws) to say how its attempt ends, in place of a result. Made by `release`, `defer` and
 * `fail` of its context. A class, so that no result can be mistaken for one.
 */
export class Directive {
  readonly end: DirectedEnd;

  constructor(end: DirectedEnd) {
    this.end = end;
  }

  /** Makes the type nominal: results of the same shape stay results. */
  protected readonly brand = "provost.directive";
}

export type DirectedEnd =
  | { kind: "released"; delayMs: number; wakeKey?: string }
  | { kind: "deferred"; delayMs: number; wakeKey?: string }
  | { kind: "failed"; error: unknown };

/** When a job that was released or deferred comes back. */
export interface ReleaseOptions {
  /** When to come back. */
  after: Duration;
  /** `manager.wake(key)` makes it ready at once, also when it comes while the attempt still runs (L7). */
  wake?: string;
}
