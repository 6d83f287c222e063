/** Where in a list of ascending ids the first one that is not below `id` stands; its length when there is none. */
export function positionOf<Item>(items: readonly Item[], read: (item: Item) => number, id: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && read(item) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Items by ascending id in one array, which a list is read from by id or by place without a search through all of it:
 * 100,000 instances are paged in milliseconds (C10, C16). Ids only grow, so that adding is appending.
 */
export class IdList<Item extends { readonly id: number }> {
  readonly #items: Item[] = [];

  /** By ascending id. The list itself: valid until the next change. */
  get all(): readonly Item[] {
    return this.#items;
  }

  /** `item.id` is above all others. */
  add(item: Item): void {
    this.#items.push(item);
  }

  get(id: number): Item | undefined {
    const item = this.#items[positionOf(this.#items, idOf, id)];
    return item?.id === id ? item : undefined;
  }

  remove(id: number): void {
    const at = positionOf(this.#items, idOf, id);
    if (this.#items[at]?.id === id) this.#items.splice(at, 1);
  }

  /** Takes out the `count` lowest ids. */
  removeOldest(count: number): Item[] {
    return this.#items.splice(0, count);
  }
}

function idOf(item: { readonly id: number }): number {
  return item.id;
}
