import { describe, expect, test } from "vitest";
import { keyTaken, type Unique, uniqueOf, uniqueOfFlow } from "./unique.ts";

describe("L17 unique keys, as they are given", () => {
  test("a key alone, for a time, with what a clash does; to keep the holder need not be said", () => {
    expect(uniqueOf(undefined)).toEqual({});
    expect(uniqueOf("a")).toEqual({ uniqueKey: "a" });
    expect(uniqueOf({ key: "a", for: "1m" })).toEqual({ uniqueKey: "a", uniqueKeptMs: 60_000 });
    expect(uniqueOf({ key: "a", onClash: "keep" })).toEqual({ uniqueKey: "a" });
    expect(uniqueOf({ key: "a", onClash: "replace" })).toEqual({ uniqueKey: "a", onClash: "replace" });
    expect(uniqueOfFlow({ key: "a", onClash: "reject" })).toEqual({ uniqueKey: "a", onClash: "reject" });
  });

  test("a flow cannot replace, and no other way is known", () => {
    expect(() => uniqueOfFlow({ key: "a", onClash: "replace" })).toThrow('unique.onClash is "replace" for a flow');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as from JavaScript
    expect(() => uniqueOf({ key: "a", onClash: "merge" } as unknown as Unique)).toThrow('onClash is "merge": give');
  });

  test("the refusal names the key, the holder and the way out", () => {
    expect(keyTaken("a", "7", false)).toBe(
      'unique key "a" is held by job 7, and onClash is "reject": wait for its end, or give "keep" to get its id',
    );
  });
});
