import { limits } from "./limits.ts";
import { lastDue, nextDue, type Timing } from "./timing.ts";

/** What becomes of ticks that came while no manager fired: nothing, or one run for all of them (L13). */
export type MissedPolicy = "skip" | "once";

/** What to do about a schedule whose due time has come. */
export interface TickPlan {
  /** The tick to fire; undefined when it came too long ago. */
  dueAt?: number;
  /** Due times that nobody fired, oldest first: the latest `limits.missedTicksLogged` of them, for the log. */
  missed: number[];
  /** Whether there were more than are listed. */
  moreMissed: boolean;
  /** Undefined when the schedule has no further due time. */
  nextDueAt?: number;
}

/**
 * Of the due times from `dueAt` to `now` the last is fired and those before it are missed. When even the last came more than
 * `limits.tickGraceMs` ago it is missed too under `skip`, and fired under `once`. Within the grace a restart or another
 * manager's takeover costs no tick (L13).
 *
 * @param dueAt the schedule's earliest due time that has not been fired.
 * @param now by the store's clock.
 */
export function planTick(timing: Timing, policy: MissedPolicy, dueAt: number, now: number): TickPlan {
  const last = lastDue(timing, now);
  const next = nextDue(timing, now);
  const ahead = next === undefined ? {} : { nextDueAt: next };
  // The pattern changed under the due time: what was due is no time of it.
  if (last === undefined || last < dueAt) return { ...ahead, missed: [], moreMissed: false };
  const late = now - last > limits.tickGraceMs;
  const fires = policy === "once" || !late;
  const missed = fires ? [] : [last];
  let before = lastDue(timing, last - 1);
  while (before !== undefined && before >= dueAt && missed.length < limits.missedTicksLogged) {
    missed.unshift(before);
    before = lastDue(timing, before - 1);
  }
  const moreMissed = before !== undefined && before >= dueAt;
  return { ...ahead, missed, moreMissed, ...(fires ? { dueAt: last } : {}) };
}
