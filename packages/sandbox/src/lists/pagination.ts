import { badField, notFound } from "../errors.ts";
import type { Filter, IdRange } from "./filter.ts";
import { positionOf } from "./id-list.ts";

export interface PageQuery {
  page: number;
  pageSize: number;
}

/** The envelope of every list. */
export interface ListPage<View> {
  data: View[];
  page: number;
  pages: number;
  results: number;
}

/** Reads `page` (from 1) and `page_size` (25–500, 100 by default). Throws Linode's 400. */
export function readPageQuery(query: Readonly<Record<string, unknown>>): PageQuery {
  const page = readInteger(query["page"], 1);
  if (page === undefined || page < 1) throw badField("page", "Must be 1 or greater");
  const pageSize = readInteger(query["page_size"], 100);
  if (pageSize === undefined || pageSize < 25 || pageSize > 500) throw badField("page_size", "Must be 25-500");
  return { page, pageSize };
}

/** How a list is read where the caller asks for nothing else. */
export interface Reading {
  /** The list's own order is that of descending ids, as Linode's events have it. */
  newestFirst?: boolean;
  /** Items by which pages after the first are out of place, as when the list changed between two reads; 0 by default. */
  shift?: number;
}

/**
 * One page of what the filter lets through; `items` are by ascending id. Only the page's own items are turned into
 * views; a page past the end is Linode's 404.
 */
export function listPage<Item, View>(
  items: readonly Item[],
  filter: Filter<Item>,
  query: PageQuery,
  view: (item: Item) => View,
  { newestFirst = false, shift = 0 }: Reading = {},
): ListPage<View> {
  let found = cut(items, filter.ids);
  if (filter.matches !== undefined) found = found.filter(filter.matches);
  if (filter.order?.compare !== undefined) found = found.toSorted(filter.order.compare);
  const results = found.length;
  const pages = Math.max(1, Math.ceil(results / query.pageSize));
  if (query.page > pages) throw notFound();
  const from = query.page === 1 ? 0 : Math.max(0, (query.page - 1) * query.pageSize + shift);
  const until = from + query.pageSize;
  // Backwards from the end, so that of equals the newest comes first.
  const selected =
    (filter.order?.descending ?? newestFirst)
      ? found.slice(Math.max(0, results - until), Math.max(0, results - from)).toReversed()
      : found.slice(from, until);
  return { data: selected.map((item) => view(item)), page: query.page, pages, results };
}

function cut<Item>(items: readonly Item[], ids: IdRange<Item> | undefined): readonly Item[] {
  if (ids === undefined) return items;
  const from = positionOf(items, ids.of, ids.min);
  return items.slice(from, Math.max(from, positionOf(items, ids.of, ids.max + 1)));
}

function readInteger(value: unknown, otherwise: number): number | undefined {
  if (value === undefined) return otherwise;
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
