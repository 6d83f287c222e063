import { jobStatuses as ofContract } from "@provost/contract";
import { describe, expect, it } from "vitest";
import { parseQuery } from "../list/query.ts";
import { jobKeys, jobSearch, tabOf } from "./filter.ts";
import { cappedCount, jobStatuses } from "./words.ts";

const search = (text: string) => jobSearch(parseQuery(text, jobKeys));

describe("a search of jobs", () => {
  it("becomes the list's parameters and, for acts, a filter", () => {
    expect(search("status:failed,cancelled name:deploy queue:short priority:7 flow:12")).toEqual({
      params: { status: "failed,cancelled", name: "deploy", queue: "short", priority: "7", flow: "12" },
      filter: { status: "failed,cancelled", name: "deploy", queue: "short", priority: 7, flow: "12" },
      problem: undefined,
    });
    expect(search("")).toEqual({ params: {}, filter: {}, problem: undefined });
  });

  it("takes a free number for an id and a free word for a name", () => {
    expect(search("4711").params).toEqual({ id: "4711" });
    expect(search("instance.deploy").params).toEqual({ name: "instance.deploy" });
  });

  it("has no filter for acts where an id or a key narrows it", () => {
    expect(search("id:5").filter).toBeUndefined();
    expect(search("key:web-1").filter).toBeUndefined();
  });

  it.each([
    ["status:done", '"done" is no status'],
    ["priority:256", "from 0 to 255"],
    ["priority:high", "from 0 to 255"],
    ["id:abc", "no id of a job"],
    ["flow:0", "no id of a flow"],
    ["name:a,b", "takes one value"],
    ["colour:red", "is no filter here"],
  ])("says what is wrong with %s, and acts on nothing then", (text, words) => {
    const { problem, filter } = search(text);
    expect(problem).toContain(words);
    expect(filter).toBeUndefined();
  });

  it("opens the tab of its one status", () => {
    expect(tabOf(parseQuery("name:x", jobKeys))).toBe("all");
    expect(tabOf(parseQuery("status:failed name:x", jobKeys))).toBe("failed");
    expect(tabOf(parseQuery("status:failed,queued", jobKeys))).toBeUndefined();
  });
});

it("C14: the page has the statuses of the contract", () => {
  expect(jobStatuses).toEqual(ofContract);
});

it("L15: a count that was capped says so", () => {
  expect(cappedCount({ count: 10_000, capped: true })).toBe("10,000+");
  expect(cappedCount({ count: 9_999, capped: false })).toBe("9,999");
  expect(cappedCount({ count: 0, capped: true })).toBe("?");
});
