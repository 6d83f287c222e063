import { describe, expect, test } from "vitest";
import { LinodeApiError } from "../errors.ts";
import { type FilterFields, parseFilter } from "./filter.ts";
import { listPage, readPageQuery } from "./pagination.ts";

interface Thing {
  id: number;
  label: string;
  tags: string[];
}

const FIELDS: FilterFields<Thing> = {
  id: (thing) => thing.id,
  label: (thing) => thing.label,
  tags: (thing) => thing.tags,
};

const THINGS: Thing[] = [
  { id: 1, label: "web-1", tags: ["blue", "owner:a"] },
  { id: 2, label: "web-2", tags: ["green"] },
  { id: 3, label: "db-1", tags: ["blue"] },
  { id: 4, label: "db-2", tags: [] },
];

function ids(filter: unknown): number[] {
  const parsed = parseFilter(JSON.stringify(filter), FIELDS);
  return listPage(THINGS, parsed, { page: 1, pageSize: 100 }, (thing) => thing.id).data;
}

describe("X-Filter (C10, C16)", () => {
  test.each<[string, unknown, number[]]>([
    ["nothing", {}, [1, 2, 3, 4]],
    ["equality", { label: "db-1" }, [3]],
    ["equality of a number", { id: 2 }, [2]],
    ["an element of a list", { tags: "blue" }, [1, 3]],
    ["several keys, all of them", { tags: "blue", label: "web-1" }, [1]],
    ["+gt", { id: { "+gt": 2 } }, [3, 4]],
    ["+gte", { id: { "+gte": 2 } }, [2, 3, 4]],
    ["+lt", { id: { "+lt": 2 } }, [1]],
    ["+lte", { id: { "+lte": 2 } }, [1, 2]],
    ["a range", { id: { "+gt": 1, "+lt": 4 } }, [2, 3]],
    ["+neq", { label: { "+neq": "web-1" } }, [2, 3, 4]],
    ["+neq of a list's element", { tags: { "+neq": "blue" } }, [2, 4]],
    ["+contains", { label: { "+contains": "web" } }, [1, 2]],
    ["+contains in a list", { tags: { "+contains": "owner:" } }, [1]],
    ["+and", { "+and": [{ tags: "blue" }, { id: { "+gt": 1 } }] }, [3]],
    ["+or", { "+or": [{ label: "web-1" }, { label: "db-2" }] }, [1, 4]],
    ["+or beside a key", { tags: "blue", "+or": [{ id: 1 }, { id: 2 }] }, [1]],
    ["+order_by", { "+order_by": "label" }, [3, 4, 1, 2]],
    ["+order desc", { "+order_by": "id", "+order": "desc" }, [4, 3, 2, 1]],
    ["bounds between whole ids", { id: { "+gt": 1.5, "+lt": 3.5 } }, [2, 3]],
    ["bounds that leave nothing", { id: { "+gt": 3, "+lt": 2 } }, []],
    ["a range with another test of id", { id: { "+gt": 1, "+neq": 3 } }, [2, 4]],
    ["a range inside +or", { "+or": [{ id: { "+gt": 3 } }, { id: { "+lt": 2 } }] }, [1, 4]],
    ["an id that is no number", { id: "2" }, []],
    ["keyset backwards", { id: { "+lt": 4 }, "+order_by": "id", "+order": "desc" }, [3, 2, 1]],
    ["a number against strings", { label: { "+gt": 5 } }, []],
  ])("%s", (_name, filter, expected) => {
    expect(ids(filter)).toEqual(expected);
  });

  test.each<[string, string, RegExp]>([
    ["unknown field", '{"colour":"red"}', /Cannot filter on colour/],
    ["a field of every object", '{"constructor":"x"}', /Cannot filter on constructor/],
    ["unknown operator", '{"id":{"+near":3}}', /\+near is not a filter operator/],
    ["not JSON", "{id:1}", /valid JSON/],
    ["a list", "[1]", /Could not apply filter/],
    ["+or without a list", '{"+or":{}}', /\+or needs a list/],
    ["unknown order", '{"+order_by":"id","+order":"up"}', /asc or desc/],
    ["+order alone", '{"+order":"asc"}', /needs \+order_by/],
    ["too deep", `${'{"+and":['.repeat(10)}{}${"]}".repeat(10)}`, /deeper/],
    ["too long", JSON.stringify({ label: "x".repeat(9_000) }), /8192/],
  ])("%s is Linode's 400", (_name, header, reason) => {
    expect(() => parseFilter(header, FIELDS)).toThrow(LinodeApiError);
    expect(() => parseFilter(header, FIELDS)).toThrow(reason);
  });

  test("no header lets everything through in the list's order, the newest first where that is its order", () => {
    const everything = parseFilter(undefined, FIELDS);
    const read = (newestFirst: boolean) =>
      listPage(THINGS, everything, { page: 1, pageSize: 25 }, (thing) => thing.id, { newestFirst }).data;
    expect(read(false)).toEqual([1, 2, 3, 4]);
    expect(read(true)).toEqual([4, 3, 2, 1]);
  });

  test("of equals in a descending order the newest comes first", () => {
    const twins = THINGS.map((thing) => ({ ...thing, label: "same" }));
    const filter = parseFilter('{"+order_by":"label","+order":"desc"}', FIELDS);
    expect(listPage(twins, filter, { page: 1, pageSize: 25 }, (thing) => thing.id).data).toEqual([4, 3, 2, 1]);
  });

  test("a keyset filter looks at its page's neighbourhood, not at every item (C10)", () => {
    let looked = 0;
    const fields: FilterFields<Thing> = {
      id: (thing) => {
        looked++;
        return thing.id;
      },
    };
    const many = Array.from({ length: 100_000 }, (_, n): Thing => ({ id: n + 1, label: "", tags: [] }));
    const filter = parseFilter('{"id":{"+gt":70000},"+order_by":"id"}', fields);
    const page = listPage(many, filter, { page: 1, pageSize: 500 }, (thing) => thing.id);
    expect(page).toMatchObject({ pages: 60, results: 30_000 });
    expect([page.data[0], page.data.at(-1)]).toEqual([70_001, 70_500]);
    expect(looked).toBeLessThan(50);
  });
});

describe("pages (C10, C16)", () => {
  const many = Array.from({ length: 260 }, (_, index): Thing => ({ id: index + 1, label: `t${index}`, tags: [] }));
  const everything = parseFilter(undefined, FIELDS);
  const page = (query: Record<string, unknown>, filter = everything) =>
    listPage(many, filter, readPageQuery(query), (thing) => thing.id);

  const shifted = (shift: number, number: string) =>
    listPage(many, everything, readPageQuery({ page: number, page_size: "50" }), (thing) => thing.id, { shift }).data;

  test("100 by default, with the envelope", () => {
    const first = page({});
    expect(first.data).toEqual(many.slice(0, 100).map((thing) => thing.id));
    expect(first).toMatchObject({ page: 1, pages: 3, results: 260 });
  });

  test("pages put together are the whole list, each item once", () => {
    const all = [1, 2, 3, 4, 5, 6].flatMap((number) => page({ page: String(number), page_size: "50" }).data);
    expect(all).toEqual(many.map((thing) => thing.id));
  });

  test("order is applied before the cut", () => {
    const descending = parseFilter('{"+order_by":"id","+order":"desc"}', FIELDS);
    expect(page({ page_size: "25", page: "2" }, descending).data[0]).toBe(235);
  });

  test("keyset: the page behind an id", () => {
    const behind = page({ page_size: "25" }, parseFilter('{"id":{"+gt":100},"+order_by":"id"}', FIELDS));
    expect(behind.data[0]).toBe(101);
    expect(behind.results).toBe(160);
  });

  test("a shift moves every page but the first: items are missed, or seen again", () => {
    expect(shifted(3, "1")[0]).toBe(1);
    expect(shifted(3, "2")[0]).toBe(54);
    expect(shifted(-3, "2")[0]).toBe(48);
  });

  test("an empty list has one empty page; past the end is 404", () => {
    const none = parseFilter('{"label":"nobody"}', FIELDS);
    expect(page({}, none)).toEqual({ data: [], page: 1, pages: 1, results: 0 });
    expect(() => page({ page: "4" })).toThrow("Not found");
  });

  test.each([{ page_size: "24" }, { page_size: "501" }, { page_size: "many" }, { page: "0" }, { page: "-1" }])(
    "%j is Linode's 400",
    (query) => {
      expect(() => page(query)).toThrow(LinodeApiError);
    },
  );
});
