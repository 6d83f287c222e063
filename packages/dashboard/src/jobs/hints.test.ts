import { expect, it } from "vitest";
import { concerns } from "../live/events.ts";
import { anything, eventsOf, flowTopics, jobsTopics, jobTopics, nothing, withHints } from "./hints.ts";

const hint = (ids: string[], more = false): string => JSON.stringify({ ids, names: [], more });
const batch = (...messages: string[]) => ({
  everything: false,
  events: eventsOf(messages.reduce(withHints, nothing)),
});

it("a hint concerns the job that it names and all lists, no other job", () => {
  const told = batch(hint(["1"]), hint(["2", "1"]));
  expect(told.events).toHaveLength(2);
  expect(concerns(told, jobTopics("2"))).toBe(true);
  expect(concerns(told, jobTopics("3"))).toBe(false);
  expect(concerns(told, jobsTopics)).toBe(true);
});

it("a hint that left some out, or can't be read, concerns every job", () => {
  for (const message of [hint(["1"], true), "nonsense", "[]"]) {
    expect(concerns(batch(message), jobTopics("3"))).toBe(true);
    expect(concerns(batch(message), jobsTopics)).toBe(true);
  }
  expect(eventsOf(nothing)).toEqual([]);
});

it("L14: a flow is read again with any job while it runs, and the seldomer the larger it is and when it has ended", () => {
  const other = batch(hint(["7"]));
  const any = batch(hint([], true));
  const follows = (flow: Parameters<typeof flowTopics>[1]) =>
    [batch(hint(["1"])), other, any].map((told) => concerns(told, flowTopics("1", flow)));
  expect(follows({ status: "running", jobs: 30 })).toEqual([true, true, true]);
  expect(follows({ status: "running", jobs: 9_000 })).toEqual([true, false, true]);
  expect(follows({ status: "processed", jobs: 30 })).toEqual([true, false, true]);
  expect(follows({ status: "processed", jobs: 9_000 })).toEqual([true, false, false]);
});

it("L14: hints that pile up are bounded", () => {
  const many = Array.from({ length: 2_001 }, (_, index) => String(index + 1));
  expect(withHints(nothing, hint(many))).toEqual(anything);
});
