/** One page of a keyset list, as it was read. */
export interface ListPage<T> {
  items: T[];
  next?: string | undefined;
}

export interface Merged<T> {
  pages: ListPage<T>[];
  /** Ids of rows that the server no longer lists: they keep their place until the list is read anew. */
  gone: Set<string>;
  /** Rows that belong above the first one. */
  fresh: number;
  /** There are more of them than one page tells. */
  freshMore: boolean;
}

/**
 * Puts a page that was read again into a list without moving a row: known rows get their new values in place, new ones are
 * only counted, and those that are missing are marked. A missing row is gone only if a row after it is still there; one at
 * the page's end may have been pushed onto the next page.
 */
export function mergePage<T>(
  pages: readonly ListPage<T>[],
  index: number,
  read: ListPage<T>,
  idOf: (item: T) => string,
  goneBefore: ReadonlySet<string>,
): Merged<T> {
  const values = new Map(read.items.map((item) => [idOf(item), item]));
  const held = new Set(pages.flatMap(({ items }) => items.map(idOf)));
  const gone = new Set(goneBefore);
  for (const id of values.keys()) gone.delete(id);
  const before = pages[index]?.items.map(idOf) ?? [];
  const lastThere = read.next === undefined ? before.length : before.findLastIndex((id) => values.has(id));
  for (const id of before.slice(0, lastThere)) if (!values.has(id)) gone.add(id);
  const first = read.items.findIndex((item) => held.has(idOf(item)));
  const fresh = index > 0 ? 0 : first < 0 ? read.items.length : first;
  return {
    pages: pages.map(({ items, next }) => ({ items: items.map((item) => values.get(idOf(item)) ?? item), next })),
    gone,
    fresh,
    freshMore: index === 0 && first < 0 && read.next !== undefined,
  };
}

/** Which pages the rows from `first` to `last` are on. */
export function pagesOf<T>(pages: readonly ListPage<T>[], first: number, last: number): number[] {
  const found: number[] = [];
  let start = 0;
  for (const [index, { items }] of pages.entries()) {
    if (start <= last && start + items.length > first) found.push(index);
    start += items.length;
  }
  return found;
}
