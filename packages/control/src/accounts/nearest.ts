/** How many names an error lists: the line stays readable. */
const shownMax = 5;

/** `known` names closest to what was typed, for "did you mean"; all of them when there are few. */
export function nearest(typed: string, known: readonly string[]): string[] {
  if (known.length <= shownMax) return [...known];
  return known
    .map((name) => ({ name, distance: name.includes(typed) || typed.includes(name) ? 0 : distance(typed, name) }))
    .toSorted((one, other) => one.distance - other.distance || one.name.localeCompare(other.name))
    .slice(0, shownMax)
    .map(({ name }) => name);
}

/** Levenshtein's. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
