/**
 * A provider's id as a key that compares as text in the order in which `list` goes: numbers by their value, names as they
 * are. No provider whose ids are names has one of digits alone. Columns of the store hold the same (tables.ts).
 */
export function keyOf(id: string): string {
  return /^\d{1,20}$/.test(id) ? id.padStart(20, "0") : id;
}

/** Before and behind every key. */
export const firstKey = "";
export const lastKey = "~~~~";
