/**
 * Durations, counted in steps of 2^(1/4): a quantile is told as the upper end of its step, at most 19% above the true one. 141 steps reach
 * from 1 ms to a year, so that a minute of any load is a short text, and minutes of any number of managers add up exactly.
 */
const stepsPerDoubling = 4;
const stepMax = 140;

/** The step of a duration: 0 holds all up to 1 ms. */
export function stepOf(ms: number): number {
  if (!(ms > 1)) return 0;
  // What is a step's end to 12 digits is that end: the logarithm of a power may be a hair above it.
  return Math.min(stepMax, Math.ceil(Math.log2(ms) * stepsPerDoubling - 1e-9));
}

/** The upper end of a step, ms. */
export function endOf(step: number): number {
  return 2 ** (step / stepsPerDoubling);
}

/** A count for each step. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(ms: number): void {
    this.#count(stepOf(ms), 1);
  }

  /** Adds what `text` of another has given. What cannot be read counts nothing. */
  addText(text: string): void {
    for (const [, step, count] of text.matchAll(/(\d+):(\d+)/g))
      this.#count(Math.min(stepMax, Number(step)), Number(count));
  }

  /** The upper end of the step that holds the duration at rank ⌈q × total⌉; undefined of none. 0 < q ≤ 1. */
  quantile(q: number): number | undefined {
    let left = Math.ceil(q * this.#total);
    for (const [step, count] of [...this.#counts].toSorted(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return endOf(step);
    }
    return undefined;
  }

  /** `step:count`, ascending, with spaces between. */
  text(): string {
    return [...this.#counts]
      .toSorted(([a], [b]) => a - b)
      .map(([step, count]) => `${step}:${count}`)
      .join(" ");
  }

  #count(step: number, by: number): void {
    this.#counts.set(step, (this.#counts.get(step) ?? 0) + by);
    this.#total += by;
  }
}
