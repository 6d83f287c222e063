/** How far back "lately" goes. */
const lately = 100;

/** How many jobs of a line end in a ms, lately: what it can be handed ahead is worth a time by it (L16). */
export class Pace {
  #ended = 0;
  #perMs = 0;
  #readAt: number;

  constructor(now: number) {
    this.#readAt = now;
  }

  count(): void {
    this.#ended += 1;
  }

  /** Ends per ms. */
  at(now: number): number {
    const ms = now - this.#readAt;
    if (ms <= 0) return this.#perMs;
    // What lies 100 ms back counts for a third, 300 ms for a twentieth.
    const weight = 1 - Math.exp(-ms / lately);
    this.#perMs += weight * (this.#ended / ms - this.#perMs);
    this.#ended = 0;
    this.#readAt = now;
    return this.#perMs;
  }
}
