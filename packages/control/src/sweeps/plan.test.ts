import { array, assert, integer, property, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { backgroundRate, room, spend, waitMs, windowOf } from "../budget/window.ts";
import { firstKey, keyOf, lastKey } from "./order.ts";
import { linesFor, nextDue, ranges } from "./plan.ts";

const lists = { limit: 200, windowMs: 60_000 };

describe("the plan of a sweep", () => {
  test("C10, C11: 200 pages beside a feed, within Linode's limit and without the people's fifth: sweep after sweep in at most 1.4 times the limit's own minimum", () => {
    const pace = 1 / backgroundRate(lists);
    const tick = 5_000;
    const pageTakes = 200;
    let now = 1_790_000_000_000;
    let window = windowOf({ ...lists, remaining: 200, resetInMs: 60_000 }, now)!;
    let feedAt = now;
    const feed = (until: number): void => {
      for (; feedAt <= until; feedAt += tick) {
        // Whenever it comes, it finds its call.
        expect(room(window, feedAt, "background")).toBeGreaterThan(0);
        window = spend(window, feedAt, "background");
      }
    };
    const took: number[] = [];
    for (let sweep = 0; sweep < 12; sweep += 1) {
      const began = now;
      let due = now;
      for (let page = 0; page < 200; page += 1) {
        now = Math.max(now, due);
        feed(now);
        while (room(window, now, "sweep") < 1) {
          now += waitMs(window, now, "sweep", 1);
          feed(now);
        }
        window = spend(window, now, "sweep");
        now += pageTakes;
        due = nextDue(due, now, pace);
      }
      took.push(now - began);
      now = Math.ceil(now / tick) * tick;
    }
    expect(Math.max(...took)).toBeLessThanOrEqual(1.4 * 60_000);
  });

  test("C10: as many lines as the answers' own time wants, and no more", () => {
    const linode = { paceMs: 412, pages: 200, everyMs: 5_000 };
    expect(linesFor({ ...linode, pageMs: 200 })).toBe(1);
    expect(linesFor({ ...linode, pageMs: 1_000 })).toBe(4);
    expect(linesFor({ ...linode, pageMs: 60_000 })).toBe(8);
    // Without a limit a sweep is to take a tick.
    expect(linesFor({ paceMs: 0, pages: 100, pageMs: 150, everyMs: 5_000 })).toBe(5);
    expect(linesFor({ paceMs: 0, pages: 3, pageMs: 9_000, everyMs: 5_000 })).toBe(1);
    expect(linesFor({ paceMs: 0, pages: 0, pageMs: 0, everyMs: 5_000 })).toBe(1);
  });

  test("C10: the ranges of the lines cover every id once, whatever the pages were", () => {
    assert(
      property(
        uniqueArray(integer({ min: 1, max: 1e9 }), { maxLength: 60 }),
        integer({ min: 1, max: 8 }),
        (ids, lines) => {
          const ends = [...ids.toSorted((a, b) => a - b).map(String), ""];
          const all = ranges(ends, lines);
          expect(all.length).toBeLessThanOrEqual(lines);
          expect(all[0]?.fromId).toBeUndefined();
          expect(all.at(-1)).toMatchObject({ untilId: undefined, untilKey: lastKey });
          for (const [index, { fromId, untilKey }] of all.entries()) {
            const from = fromId === undefined ? firstKey : keyOf(fromId);
            expect(from < untilKey).toBe(true);
            if (index > 0) expect(all[index - 1]?.untilId).toBe(fromId);
          }
        },
      ),
    );
  });

  test("keys compare as their ids do: numbers by value, names byte by byte", () => {
    assert(
      property(array(integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { minLength: 2 }), (ids) => {
        const byKey = ids.toSorted((a, b) => (keyOf(String(a)) < keyOf(String(b)) ? -1 : 1));
        expect(byKey.map(Number)).toEqual(ids.toSorted((a, b) => a - b));
      }),
    );
    expect(keyOf("web-10") < keyOf("web-2")).toBe(true);
    expect(keyOf("zz-9") < lastKey).toBe(true);
  });

  test("a line that was held up catches up a little, and no more", () => {
    expect(nextDue(1_000, 1_200, 400)).toBe(1_400);
    expect(nextDue(1_000, 61_000, 400)).toBe(31_000);
  });
});
