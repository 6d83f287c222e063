/** First id of a fresh account: as long as today's real ones, so that nothing downstream assumes short ids. */
export const FIRST_INSTANCE_ID = 60_000_001;

/** Disks, or backups, that one instance can tell apart. */
const PLACES = 16;

/**
 * Ids of what belongs to an instance are made of its own and an ordinal (0–15), so that no index is needed to find the
 * way back: 100,000 instances have 200,000 disks for nothing (C16). They stay within 31 bits.
 */
export function idWithin(first: number, instanceId: number, ordinal: number): number {
  return first + (instanceId - FIRST_INSTANCE_ID) * PLACES + ordinal;
}

/** The way back. Of an id that was never given out it gives an instance that does not exist. */
export function placeOf(first: number, id: number): { instanceId: number; ordinal: number } {
  const offset = id - first;
  return { instanceId: FIRST_INSTANCE_ID + Math.floor(offset / PLACES), ordinal: offset % PLACES };
}
