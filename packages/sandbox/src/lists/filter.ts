import { LinodeApiError } from "../errors.ts";

/** Longest `X-Filter` header and deepest nesting that are read. */
const FILTER_CHARS_MAX = 8_192;
const DEPTH_MAX = 8;

/** What a list's items can be filtered and ordered by: each field's value, for an array field all its elements. */
export type FilterFields<Item> = Readonly<Record<string, (item: Item) => unknown>>;

/** Ids that a filter asks for, both ends included. */
export interface IdRange<Item> {
  min: number;
  max: number;
  of: (item: Item) => number;
}

/** A parsed `X-Filter`. */
export interface Filter<Item> {
  /** Undefined: no bounds. A list that can be filtered by `id` is sorted by it, and is cut here first. */
  ids: IdRange<Item> | undefined;
  /** What is left to test item by item; undefined: nothing. */
  matches: ((item: Item) => boolean) | undefined;
  /** Undefined: keep the list's own order. */
  order: Order<Item> | undefined;
}

export interface Order<Item> {
  descending: boolean;
  /** Ascending; undefined for `id`, which lists are sorted by already. */
  compare: ((left: Item, right: Item) => number) | undefined;
}

/** Lets everything through, in the list's order. */
const EVERYTHING = { ids: undefined, matches: undefined, order: undefined } as const;

/**
 * Parses an `X-Filter` header: fields with a value (equality, for arrays "contains the element") or an object of
 * `+gt +gte +lt +lte +neq +contains`; `+and`, `+or` with lists of filters; `+order_by` with `+order`. Several keys must
 * all hold. Throws Linode's 400 for anything else, unknown fields included.
 */
export function parseFilter<Item>(header: string | undefined, fields: FilterFields<Item>): Filter<Item> {
  if (header === undefined || header.trim() === "") return EVERYTHING;
  if (header.length > FILTER_CHARS_MAX) throw refused(`X-Filter must not exceed ${FILTER_CHARS_MAX} characters`);
  const { "+order_by": orderBy, "+order": direction, ...conditions } = asObject(parseJson(header));
  const order = readOrder(orderBy, direction, fields);
  const { ids, rest } = cutById(conditions, fields);
  return { ids, matches: Object.keys(rest).length === 0 ? undefined : compile(rest, fields, 0), order };
}

/** Takes the bounds on `id` out of the conditions: what makes a keyset read (C10) cost a page and not the list. */
function cutById<Item>(
  conditions: Record<string, unknown>,
  fields: FilterFields<Item>,
): { ids: IdRange<Item> | undefined; rest: Record<string, unknown> } {
  const { id, ...others } = conditions;
  if (id === undefined || !Object.hasOwn(fields, "id")) return { ids: undefined, rest: conditions };
  const read = readerOf("id", fields);
  const ids = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, of: (item: Item) => Number(read(item)) };
  if (typeof id === "number") return { ids: { ...ids, min: Math.ceil(id), max: Math.floor(id) }, rest: others };
  if (typeof id !== "object" || id === null) return { ids: undefined, rest: conditions };
  const untaken: Record<string, unknown> = {};
  for (const [operator, bound] of Object.entries(id)) {
    if (typeof bound !== "number") untaken[operator] = bound;
    else if (operator === "+gt") ids.min = Math.max(ids.min, Math.floor(bound) + 1);
    else if (operator === "+gte") ids.min = Math.max(ids.min, Math.ceil(bound));
    else if (operator === "+lt") ids.max = Math.min(ids.max, Math.ceil(bound) - 1);
    else if (operator === "+lte") ids.max = Math.min(ids.max, Math.floor(bound));
    else untaken[operator] = bound;
  }
  return { ids, rest: Object.keys(untaken).length === 0 ? others : { ...others, id: untaken } };
}

type Predicate<Item> = (item: Item) => boolean;

function compile<Item>(filter: Record<string, unknown>, fields: FilterFields<Item>, depth: number): Predicate<Item> {
  if (depth > DEPTH_MAX) throw refused(`X-Filter must not be nested deeper than ${DEPTH_MAX}`);
  const predicates: Predicate<Item>[] = [];
  for (const [key, value] of Object.entries(filter)) {
    if (key === "+and" || key === "+or") {
      if (!Array.isArray(value)) throw refused(`${key} needs a list of filters`);
      const parts = value.map((part) => compile(asObject(part), fields, depth + 1));
      predicates.push(
        key === "+and" ? (item) => parts.every((part) => part(item)) : (item) => parts.some((part) => part(item)),
      );
    } else {
      predicates.push(compileField(readerOf(key, fields), value));
    }
  }
  const [only] = predicates;
  if (only !== undefined && predicates.length === 1) return only;
  return (item) => predicates.every((predicate) => predicate(item));
}

function compileField<Item>(read: (item: Item) => unknown, condition: unknown): Predicate<Item> {
  if (typeof condition !== "object" || condition === null) {
    return (item) => some(read(item), (value) => value === condition);
  }
  const tests = Object.entries(asObject(condition)).map(([operator, operand]) => compileOperator(operator, operand));
  return (item) => tests.every((test) => test(read(item)));
}

function compileOperator(operator: string, operand: unknown): (value: unknown) => boolean {
  switch (operator) {
    case "+gt":
      return (value) => some(value, (one) => compareValues(one, operand) > 0);
    case "+gte":
      return (value) => some(value, (one) => compareValues(one, operand) >= 0);
    case "+lt":
      return (value) => some(value, (one) => compareValues(one, operand) < 0);
    case "+lte":
      return (value) => some(value, (one) => compareValues(one, operand) <= 0);
    case "+neq":
      return (value) => !some(value, (one) => one === operand);
    case "+contains":
      if (typeof operand !== "string") throw refused("+contains needs a string");
      return (value) => some(value, (one) => typeof one === "string" && one.includes(operand));
    default:
      throw refused(`${operator} is not a filter operator`);
  }
}

function readOrder<Item>(orderBy: unknown, direction: unknown, fields: FilterFields<Item>): Order<Item> | undefined {
  if (direction !== undefined && direction !== "asc" && direction !== "desc") {
    throw refused("+order must be asc or desc");
  }
  if (orderBy === undefined) {
    if (direction !== undefined) throw refused("+order needs +order_by");
    return undefined;
  }
  if (typeof orderBy !== "string") throw refused("+order_by needs a field");
  const read = readerOf(orderBy, fields);
  const compare = (left: Item, right: Item): number => compareValues(read(left), read(right)) || 0;
  return { descending: direction === "desc", compare: orderBy === "id" ? undefined : compare };
}

function readerOf<Item>(field: string, fields: FilterFields<Item>): (item: Item) => unknown {
  const read = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (read === undefined) throw refused(`Cannot filter on ${field.slice(0, 64)}`);
  return read;
}

/** NaN, which no comparison accepts, where the two cannot be compared. */
function compareValues(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  return Number.NaN;
}

function some(value: unknown, test: (one: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.some(test) : test(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused("Could not parse filter: must be valid JSON");
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused("Could not apply filter");
  return { ...value };
}

function refused(reason: string): LinodeApiError {
  return new LinodeApiError(400, [{ reason, field: "X-Filter" }]);
}
