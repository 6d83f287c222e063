import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergePage, pagesOf, type ListPage } from "./merge.ts";

interface Row {
  id: string;
  v: number;
}
const row = (id: string, v = 0): Row => ({ id, v });
const page = (ids: string, next?: string, v = 0): ListPage<Row> => ({
  items: ids.split("").map((id) => row(id, v)),
  next,
});
const idOf = ({ id }: Row): string => id;
const none = new Set<string>();
const ids = (pages: readonly ListPage<Row>[]): string => pages.flatMap(({ items }) => items.map(idOf)).join("");

describe("mergePage: rows change where they stand and never move", () => {
  test("known rows get their new values, new ones above are counted", () => {
    const merged = mergePage([page("cba")], 0, page("edcba", undefined, 1), idOf, none);
    expect(ids(merged.pages)).toBe("cba");
    expect(merged.pages[0]?.items.every(({ v }) => v === 1)).toBe(true);
    expect(merged).toMatchObject({ fresh: 2, freshMore: false });
  });

  test("a row that is missing between two that are there is gone, and keeps its place", () => {
    const merged = mergePage([page("cba", "a")], 0, page("ca", "a"), idOf, none);
    expect(ids(merged.pages)).toBe("cba");
    expect([...merged.gone]).toEqual(["b"]);
  });

  test("a row at the end that new ones have pushed to the next page is not gone", () => {
    const merged = mergePage([page("cba", "a")], 0, page("dcb", "b"), idOf, none);
    expect([...merged.gone]).toEqual([]);
    expect(merged.fresh).toBe(1);
  });

  test("on the last page what is missing at the end is gone", () => {
    expect([...mergePage([page("cba")], 0, page("cb"), idOf, none).gone]).toEqual(["a"]);
  });

  test("a whole page of new ones tells that there are more", () => {
    expect(mergePage([page("cba", "a")], 0, page("xyz", "z"), idOf, none)).toMatchObject({ fresh: 3, freshMore: true });
  });

  test("one that is back is not gone any more", () => {
    expect([...mergePage([page("cba")], 0, page("cba"), idOf, new Set(["b"])).gone]).toEqual([]);
  });

  test("rows of a later page are updated, and none is fresh there", () => {
    const merged = mergePage([page("dc", "c"), page("ba", "a")], 1, page("ba", "a", 2), idOf, none);
    expect(merged.fresh).toBe(0);
    expect(merged.pages[1]?.items).toEqual([row("b", 2), row("a", 2)]);
    expect(merged.pages[0]?.items).toEqual([row("d"), row("c")]);
  });

  test("whatever is read, the order and number of the rows stay", () => {
    const letters = fc.uniqueArray(fc.constantFrom<string>("a", "b", "c", "d", "e", "f", "g", "h"), { maxLength: 8 });
    fc.assert(
      fc.property(letters, letters, fc.boolean(), (held, read, more) => {
        const pages = [{ items: held.map((id) => row(id)), next: more ? "n" : undefined }];
        const merged = mergePage(
          pages,
          0,
          { items: read.map((id) => row(id, 1)), next: more ? "n" : undefined },
          idOf,
          none,
        );
        expect(ids(merged.pages)).toBe(held.join(""));
        expect([...merged.gone].every((id) => held.includes(id) && !read.includes(id))).toBe(true);
      }),
    );
  });
});

test("pagesOf finds the pages that the rows on screen are on", () => {
  const pages = [page("abc"), page("def"), page("gh")];
  expect(pagesOf(pages, 0, 2)).toEqual([0]);
  expect(pagesOf(pages, 2, 3)).toEqual([0, 1]);
  expect(pagesOf(pages, 7, 9)).toEqual([2]);
});
