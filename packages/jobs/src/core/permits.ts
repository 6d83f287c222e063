/**
 * The law of a semaphore's line (L12): first come, first served. One who asks gets a permit when those who hold one and
 * those who wait before it leave one over.
 */
export function isAdmitted(permits: number, held: number, ahead: number): boolean {
  return held + ahead < permits;
}

/** The longest pause between two looks of the first in line. */
const firstPauseMsMax = 250;

/**
 * How long a waiter pauses before it looks again. Who stands further behind looks less often, so that a line of a thousand
 * asks some seven times as often as one waiter, not a thousand times; and who has waited long in one place waits an eighth of that
 * longer, so that a permit held for minutes is not asked after hundreds of times in a second.
 *
 * @param firstMs the shortest pause of the first in line.
 * @param stoodMs how long it has stood in this place.
 * @param leaseMs its place is lost when it has not looked for so long.
 */
export function pauseMs(ahead: number, firstMs: number, stoodMs: number, leaseMs: number): number {
  const patience = Math.min(stoodMs / 8, firstPauseMsMax);
  return Math.min((ahead + 1) * Math.max(firstMs, patience), leaseMs / 4);
}
