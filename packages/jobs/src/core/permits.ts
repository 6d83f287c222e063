/**
 * The law of a semaphore's line (L12): first come, first served. One who asks gets a permit when those who hold one and
 * those who wait before it leave one over.
 */
export function isAdmitted(permits: number, held: number, ahead: number): boolean {
  return held + ahead < permits;
}

/** The longest pause between two looks of the first in line. */
const firstPauseMsMax = 250;

/** What a waiter knows of its line. */
export interface Standing {
  /** Waiters before it. */
  ahead: number;
  /** How long it has stood in this place. */
  stoodMs: number;
  /** How long it took to move up by one place, so far; 0 when it has not moved. */
  placeMs: number;
}

/**
 * How long a waiter pauses before it looks again. Who has moved up looks again when half of the wait that is left should
 * be over: some ten times on the way from the hundredth place to the third, however slow the line is; the first ones do not, lest the
 * line waits for who sleeps at its head. Who has not moved yet looks the
 * less often the further behind it stands; and who has stood long in one place waits an eighth of that longer, so that a permit held for
 * minutes is not asked after hundreds of times in a second.
 *
 * @param firstMs the shortest pause of the first in line. @param leaseMs its place is lost when it has not looked for so long.
 */
export function pauseMs({ ahead, stoodMs, placeMs }: Standing, firstMs: number, leaseMs: number): number {
  const patience = (ahead + 1) * Math.max(firstMs, Math.min(stoodMs / 8, firstPauseMsMax));
  return Math.min(Math.max(patience, ((ahead - 2) * placeMs) / 2), leaseMs / 4);
}
