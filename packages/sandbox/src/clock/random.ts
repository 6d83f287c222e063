/** Inclusive bounds of a duration that is drawn anew each time, in ms. */
export type RangeMs = readonly [minMs: number, maxMs: number];

/** Seeded randomness: the same seed and the same calls give the same latencies and faults. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1): mulberry32, 32 bits of state; plenty for jitter. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number of milliseconds within the range. */
  durationMs(range: RangeMs): number {
    return Math.round(range[0] + (range[1] - range[0]) * this.next());
  }
}
