import { expect, test } from "vitest";
import { search } from "./palette-items.ts";

const items = ["Instances", "Images", "Dark theme", "Deploy an instance"].map((label) => ({ label, group: "Do" }));
const found = (typed: string) => search(items, typed).map(({ label }) => label);

test("every word must occur; the beginning of a word is better", () => {
  expect(found("")).toHaveLength(4);
  expect(found("inst")).toEqual(["Instances", "Deploy an instance"]);
  expect(found("dep inst")).toEqual(["Deploy an instance"]);
  expect(found("zzz")).toEqual([]);
});
