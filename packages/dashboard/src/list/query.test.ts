import { describe, expect, test } from "vitest";
import { formatQuery, parseQuery, suggest, withTerm } from "./query.ts";

const keys = ["provider", "region", "status", "tag", "name"];

describe("parseQuery", () => {
  test("terms and free words, in any order", () => {
    expect(parseQuery("web status:running,stopped  region:eu-central two", keys)).toEqual({
      terms: { status: "running,stopped", region: "eu-central" },
      words: "web two",
      problem: undefined,
    });
  });

  test("a value may have colons in it", () => {
    expect(parseQuery("tag:team:shop", keys).terms).toEqual({ tag: "team:shop" });
  });

  test("a term that is being typed asks for nothing yet", () => {
    expect(parseQuery("status:", keys)).toEqual({ terms: {}, words: "", problem: undefined });
    expect(parseQuery("status:running,", keys).terms).toEqual({ status: "running" });
  });

  test("an unknown key is told with those that there are", () => {
    expect(parseQuery("colour:red", keys).problem).toContain('"colour:" is no filter here');
    expect(parseQuery("colour:red", keys).problem).toContain("status:");
  });

  test("a value that cannot be is told with those that can", () => {
    const closed = { status: ["running", "stopped"] };
    expect(parseQuery("status:running,stopped", keys, closed).problem).toBeUndefined();
    expect(parseQuery("status:running,gone", keys, closed).problem).toBe(
      '"gone" is no status: there are running, stopped',
    );
  });

  test("a key that is there twice is told how to say it", () => {
    expect(parseQuery("status:running status:failed", keys).problem).toContain("status:running,failed");
  });
});

test("formatQuery is parseQuery backwards", () => {
  const text = "status:running tag:web two words";
  expect(formatQuery(parseQuery(text, keys))).toBe(text);
});

test("withTerm sets one term and leaves the rest", () => {
  expect(withTerm("status:running web", keys, "status", "failed")).toBe("status:failed web");
  expect(withTerm("status:running web", keys, "status", "")).toBe("web");
});

describe("suggest", () => {
  const known = [
    { key: "status", hint: "", values: ["running", "stopped", "restoring"] },
    { key: "region", hint: "", values: ["eu-central"] },
  ];

  test("keys for a piece without a colon, but for those that are there", () => {
    expect(suggest("status:running re", known).map(({ text }) => text)).toEqual(["status:running region:"]);
    expect(suggest("status:running ", known).map(({ label }) => label)).toEqual(["region:"]);
  });

  test("values of the key that is being typed", () => {
    expect(suggest("status:r", known).map(({ text }) => text)).toEqual(["status:running ", "status:restoring "]);
  });

  test("those that begin with what is typed come first", () => {
    const values = ["destroyed", "rebooting", "released"];
    const labels = suggest("status:re", [{ key: "status", hint: "", values }]).map(({ label }) => label);
    expect(labels).toEqual(["rebooting", "released"]);
    expect(suggest("status:e", [{ key: "status", hint: "", values: ["red", "east"] }])[0]?.label).toBe("east");
  });

  test("after a comma, the values that are left", () => {
    expect(suggest("status:running,", known).map(({ text }) => text)).toEqual([
      "status:running,stopped ",
      "status:running,restoring ",
    ]);
  });
});
