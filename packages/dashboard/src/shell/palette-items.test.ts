import { expect, test } from "vitest";
import { jobsMeant, search } from "./palette-items.ts";

const items = ["Instances", "Images", "Dark theme", "Deploy an instance"].map((label) => ({ label, group: "Do" }));
const found = (typed: string) => search(items, typed).map(({ label }) => label);

test("every word must occur; the beginning of a word is better", () => {
  expect(found("")).toHaveLength(4);
  expect(found("inst")).toEqual(["Instances", "Deploy an instance"]);
  expect(found("dep inst")).toEqual(["Deploy an instance"]);
  expect(found("zzz")).toEqual([]);
});

test("a number is a job's id, a dotted word the name of jobs", () => {
  expect(jobsMeant(" 4711 ")).toEqual({ label: "Job 4711", id: "4711" });
  expect(jobsMeant("instance.destroy")).toEqual({ label: "Jobs named instance.destroy", q: "name:instance.destroy" });
  for (const typed of ["", "web", "web-1", "0", "a b.c", "10.0.0.1"]) expect(jobsMeant(typed)).toBeUndefined();
});
