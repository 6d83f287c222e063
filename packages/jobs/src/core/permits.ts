/**
 * The law of a semaphore's line (L12): first come, first served. One who asks gets a permit when those who hold one and
 * those who wait before it leave one over.
 */
export function isAdmitted(permits: number, held: number, ahead: number): boolean {
  return held + ahead < permits;
}
