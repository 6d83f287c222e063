import { badField, notFound } from "../errors.ts";
import type { Filter } from "./filter.ts";

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

/**
 * One page of what the filter lets through. Only the page's own items are turned into views; a page past the end is
 * Linode's 404. Without an order the whole list is walked once and one page is held, however long it is.
 */
export function listPage<Item, View>(
  items: Iterable<Item>,
  filter: Filter<Item>,
  query: PageQuery,
  view: (item: Item) => View,
): ListPage<View> {
  const from = (query.page - 1) * query.pageSize;
  const until = from + query.pageSize;
  let results = 0;
  let selected: Item[] = [];
  for (const item of items) {
    if (!filter.matches(item)) continue;
    if (filter.compare !== undefined || (results >= from && results < until)) selected.push(item);
    results++;
  }
  if (filter.compare !== undefined) selected = selected.toSorted(filter.compare).slice(from, until);
  const pages = Math.max(1, Math.ceil(results / query.pageSize));
  if (query.page > pages) throw notFound();
  return { data: selected.map(view), page: query.page, pages, results };
}

function readInteger(value: unknown, otherwise: number): number | undefined {
  if (value === undefined) return otherwise;
  return typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
