import { LinodeApiError } from "../errors.ts";

/** Longest `X-Filter` header and deepest nesting that are read. */
const FILTER_CHARS_MAX = 8_192;
const DEPTH_MAX = 8;

/** What a list's items can be filtered and ordered by: each field's value, for an array field all its elements. */
export type FilterFields<Item> = Readonly<Record<string, (item: Item) => unknown>>;

/** A parsed `X-Filter`. */
export interface Filter<Item> {
  matches: (item: Item) => boolean;
  /** Undefined: keep the list's own order. */
  compare: ((left: Item, right: Item) => number) | undefined;
}

/**
 * Parses an `X-Filter` header: fields with a value (equality, for arrays "contains the element") or an object of
 * `+gt +gte +lt +lte +neq +contains`; `+and`, `+or` with lists of filters; `+order_by` with `+order`. Several keys must
 * all hold. Throws Linode's 400 for anything else, unknown fields included.
 */
export function parseFilter<Item>(header: string | undefined, fields: FilterFields<Item>): Filter<Item> {
  if (header === undefined || header.trim() === "") return { matches: () => true, compare: undefined };
  if (header.length > FILTER_CHARS_MAX) throw refused(`X-Filter must not exceed ${FILTER_CHARS_MAX} characters`);
  const filter = asObject(parseJson(header));
  const { "+order_by": orderBy, "+order": order, ...conditions } = filter;
  return { matches: compile(conditions, fields, 0), compare: compileOrder(orderBy, order, fields) };
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

function compileOrder<Item>(
  orderBy: unknown,
  order: unknown,
  fields: FilterFields<Item>,
): ((left: Item, right: Item) => number) | undefined {
  if (order !== undefined && order !== "asc" && order !== "desc") throw refused("+order must be asc or desc");
  if (orderBy === undefined) {
    if (order !== undefined) throw refused("+order needs +order_by");
    return undefined;
  }
  if (typeof orderBy !== "string") throw refused("+order_by needs a field");
  const read = readerOf(orderBy, fields);
  const sign = order === "desc" ? -1 : 1;
  return (left, right) => sign * (compareValues(read(left), read(right)) || 0);
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
