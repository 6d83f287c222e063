import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";

/** A driver's `fixtures/api.json`, made by scripts/provider-fixtures.mjs of the provider's official description. */
export interface ApiFixture {
  source: { repository: string; commit: string; version: string; licence: string };
  /** By `METHOD /path/{parameter}`. */
  operations: Record<string, DocumentedOperation>;
}

export interface DocumentedOperation {
  query: Record<string, object>;
  /** In lower case. */
  headers: string[];
  /** The fields that `X-Filter` can name. */
  filterable?: string[];
  body?: { required: boolean; schema: object };
  /** `words`: what a field can hold, by its path, where the choice is fixed. */
  answer: { status: number; example?: unknown; words?: Record<string, string[]> };
  refusal: unknown;
}

export interface RecordedRequest {
  method: string;
  /** Path and query, without what comes before the API's own paths. */
  url: string;
  headers: Record<string, string | string[] | undefined>;
  /** As it was sent. */
  body: string;
}

/** What any HTTP client sends; every other header must be in the description. */
const commonHeaders = new Set(
  "host connection accept authorization user-agent content-type content-length transfer-encoding upgrade".split(" "),
);
const websocketHeader = /^(sec-websocket-|sec-fetch-|cache-control$|pragma$|accept-(language|encoding)$)/;
/** Linode's reference, "Filtering and sorting". */
const filterOperators = new Set("+gt +gte +lt +lte +neq +contains".split(" "));

export function readFixture(url: URL): ApiFixture {
  return JSON.parse(readFileSync(url, "utf8"));
}

/** Says of a request what in it the official description does not know. */
export class DocumentedApi {
  readonly operations: Readonly<Record<string, DocumentedOperation>>;
  /** Query parameters that the provider documents elsewhere than in its description, by operation. */
  readonly #furtherQuery: Readonly<Record<string, readonly string[]>>;
  readonly #ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, coerceTypes: false });
  readonly #compiled = new Map<object, ValidateFunction>();

  constructor(fixture: ApiFixture, furtherQuery: Readonly<Record<string, readonly string[]>> = {}) {
    this.operations = fixture.operations;
    this.#furtherQuery = furtherQuery;
    this.#ajv.addFormat("byte", /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
    this.#ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/);
    for (const free of [
      "password",
      "int64",
      "uint64",
      "ip",
      "ip/netmask",
      "ipv4",
      "ipv6/128",
      "uuid",
      "email",
      "phone",
    ]) {
      this.#ajv.addFormat(free, true);
    }
  }

  /** The operation that answers a request; one with a variant for `recursion` only with that query. */
  nameOf(method: string, url: string): string | undefined {
    const { pathname, searchParams } = new URL(url, "http://api");
    const recursion = searchParams.get("recursion");
    const asked = recursion === null ? pathname : `${pathname}?recursion=${recursion}`;
    const fits = Object.keys(this.operations).filter((name) => patternOf(name).test(`${method} ${asked}`));
    // `/images/aliases` fits no `/images/{fingerprint}`: the template with fewer parameters is meant.
    return fits.toSorted((a, b) => a.split("{").length - b.split("{").length)[0];
  }

  /** One line for each thing that does not fit; empty when all does. */
  violations(request: RecordedRequest): string[] {
    const name = this.nameOf(request.method, request.url);
    if (name === undefined) return [`${request.method} ${request.url}: no such operation`];
    const operation = this.operations[name]!;
    return [
      ...this.#queryViolations(name, operation, new URL(request.url, "http://api").searchParams),
      ...headerViolations(operation, request.headers),
      ...this.#bodyViolations(operation, request.body),
    ].map((line) => `${name}: ${line}`);
  }

  #queryViolations(name: string, operation: DocumentedOperation, query: URLSearchParams): string[] {
    return [...query].flatMap(([key, value]) => {
      if (key === "recursion" && name.endsWith(`?recursion=${value}`)) return [];
      if (this.#furtherQuery[name]?.includes(key) === true) return [];
      const schema = operation.query[key];
      if (schema === undefined) return [`query ${key} is not known`];
      const typed = "type" in schema && schema.type === "integer" ? Number(value) : value;
      return this.#errors(schema, typed).map((error) => `query ${key}${error}`);
    });
  }

  #bodyViolations(operation: DocumentedOperation, body: string): string[] {
    if (operation.body === undefined) return body === "" ? [] : ["a body is not known"];
    if (body === "") return operation.body.required ? ["the body is missing"] : [];
    return this.#errors(operation.body.schema, JSON.parse(body)).map((error) => `body${error}`);
  }

  #errors(schema: object, value: unknown): string[] {
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema);
    this.#compiled.set(schema, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message ?? "does not fit"} ${JSON.stringify(params)}`,
    );
  }
}

function patternOf(name: string): RegExp {
  const literal = name.split(/\{[^}]+\}/).map((part) => part.replace(/[.?+*()[\]\\^$|]/g, "\\$&"));
  return new RegExp(`^${literal.join("[^/?]+")}$`);
}

function headerViolations(operation: DocumentedOperation, headers: RecordedRequest["headers"]): string[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (commonHeaders.has(name) || websocketHeader.test(name)) return [];
    // Fields are marked as filterable where the header itself is not listed.
    if (name === "x-filter" && operation.filterable !== undefined) {
      return filterViolations(JSON.parse(String(value)), operation.filterable);
    }
    return operation.headers.includes(name) ? [] : [`header ${name} is not known`];
  });
}

function filterViolations(filter: Record<string, unknown>, fields: readonly string[]): string[] {
  return Object.entries(filter).flatMap(([key, value]): string[] => {
    if ((key === "+and" || key === "+or") && Array.isArray(value)) {
      return value.flatMap((each: Record<string, unknown>) => filterViolations(each, fields));
    }
    if (key === "+order") return value === "asc" || value === "desc" ? [] : [`+order ${JSON.stringify(value)}`];
    const field = key === "+order_by" ? String(value) : key;
    const unknown = fields.includes(field) ? [] : [`X-Filter: ${field} cannot be filtered by`];
    const operators = typeof value === "object" && value !== null ? Object.keys(value) : [];
    return [
      ...unknown,
      ...operators.filter((each) => !filterOperators.has(each)).map((each) => `X-Filter: no operator ${each}`),
    ];
  });
}
