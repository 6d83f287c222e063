/** A line that wants slots: `places` is the most it can take. */
export interface Line {
  weight: number;
  places: number;
}

/**
 * Deals free slots to lines by weight (L16), as whole numbers whose error does not add up: what a line got too little or too
 * much of in this round is its credit in the next, so that also one slot at a time goes round by weight. A part that a line has no
 * places for goes to the others.
 *
 * @param credits in the order of the lines, changed in place; 0 for a line that is new or had nothing ready.
 * @returns slots for each line; together `free`, or all the places there are.
 */
export function dealt(lines: readonly Line[], free: number, credits: number[]): number[] {
  const open = lines.map(({ weight, places }) => (places > 0 ? weight : 0));
  const weights = open.reduce((sum, weight) => sum + weight, 0);
  const slots = lines.map(() => 0);
  if (weights === 0) return slots;
  open.forEach((weight, index) => {
    credits[index] = (credits[index] ?? 0) + (free * weight) / weights;
  });
  const give = (index: number, count: number): number => {
    slots[index] = (slots[index] ?? 0) + count;
    credits[index] = (credits[index] ?? 0) - count;
    return count;
  };
  let left = free;
  const byCredit = lines.map((_, index) => index).toSorted((a, b) => (credits[b] ?? 0) - (credits[a] ?? 0));
  for (const index of byCredit) {
    const whole = Math.max(0, Math.floor(credits[index] ?? 0));
    left -= give(index, Math.min(whole, left, lines[index]?.places ?? 0));
  }
  for (let next = neediest(lines, slots, credits); left > 0 && next !== -1; next = neediest(lines, slots, credits)) {
    left -= give(next, 1);
  }
  // A line that could not take its part has not saved it up, nor has one that took others' parts to pay for it.
  for (const [index, credit] of credits.entries()) credits[index] = Math.min(1, Math.max(-1, credit));
  return slots;
}

/** The line with places left that is owed most; -1 when there is none. */
function neediest(lines: readonly Line[], slots: readonly number[], credits: readonly number[]): number {
  let best = -1;
  lines.forEach(({ places }, index) => {
    if (places <= (slots[index] ?? 0)) return;
    if (best === -1 || (credits[index] ?? 0) > (credits[best] ?? 0)) best = index;
  });
  return best;
}
