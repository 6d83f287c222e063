/** The newest of what happened, each under a number of its own that counts up, with a mark: whoever has all before it goes on from there. */
export class Ring<T> {
  readonly #most: number;
  #items: { item: T; mark: number }[] = [];
  /** Number of the first that is kept. */
  #first = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The number that the next one gets. */
  get end(): number {
    return this.#first + this.#items.length;
  }

  /** Whether what has this number, and all behind it, is kept. */
  keeps(number: number): boolean {
    return number >= this.#first;
  }

  /** `mark`: before these were known. */
  push(items: readonly T[], mark: number): void {
    for (const item of items) this.#items.push({ item, mark });
    // Now and then, so that each costs little.
    if (this.#items.length < this.#most * 2) return;
    const dropped = this.#items.splice(0, this.#items.length - this.#most);
    this.#first += dropped.length;
  }

  /** From this number on, at most so many; `mark`: of the first that is left out. */
  from(number: number, most: number): { items: T[]; mark: number | undefined } {
    const start = number - this.#first;
    const taken = this.#items.slice(start, start + most);
    return { items: taken.map(({ item }) => item), mark: this.#items[start + most]?.mark };
  }
}
