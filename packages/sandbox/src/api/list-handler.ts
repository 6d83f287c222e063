import { type FilterFields, parseFilter } from "../lists/filter.ts";
import { listPage, readPageQuery } from "../lists/pagination.ts";
import type { CallKind } from "./call-kind.ts";
import type { CallRequest, CallRunner } from "./call-runner.ts";

/** A collection as `GET` serves it. */
export interface Collection<Item> {
  /** By ascending id, where `fields` has an id. */
  items: (request: CallRequest) => readonly Item[];
  fields: FilterFields<Item>;
  view: (item: Item, request: CallRequest) => unknown;
  newestFirst?: boolean;
}

/** Serves a collection: filter, order and page (C10), out of place where a fault says so. */
export function listHandler<Item>(calls: CallRunner, kind: CallKind, collection: Collection<Item>) {
  return calls.handler(kind, (request, fault) => {
    const query = readPageQuery(request.query);
    const header = request.headers["x-filter"];
    const filter = parseFilter(Array.isArray(header) ? header[0] : header, collection.fields);
    return listPage(collection.items(request), filter, query, (item) => collection.view(item, request), {
      newestFirst: collection.newestFirst ?? false,
      shift: fault?.kind === "shifted_pages" ? fault.shift : 0,
    });
  });
}
