import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  blockBoundsMs,
  blockMs,
  declaredWindow,
  heard,
  isNews,
  room,
  spend,
  waitMs,
  windowOf,
  type Asker,
  type RateWindow,
} from "./window.ts";

const start = 1_790_000_000_000;
const creates = { limit: 20, remaining: 20, resetInMs: 15_000 } as const;

function learned(answer = {}, nowMs = start): RateWindow {
  const window = windowOf({ ...creates, ...answer }, nowMs);
  if (window === undefined) throw new RangeError("no window");
  return window;
}

function spendAll(window: RateWindow, nowMs: number, asker: Asker): RateWindow {
  let next = window;
  while (room(next, nowMs, asker) > 0) next = spend(next, nowMs, asker);
  return next;
}

interface Ask {
  afterMs: number;
  /** The asking host's clock beside the store's, in ms. */
  skewMs: number;
  asker: Asker;
}

const asks = array(
  record<Ask>({
    afterMs: integer({ min: 0, max: 2_000 }),
    skewMs: integer({ min: -50, max: 0 }),
    asker: constantFrom<Asker>("people", "background", "sweep"),
  }),
  { maxLength: 300 },
);

describe("RateWindow (C11)", () => {
  test("C11: in no window, wherever it begins, are there more calls than the limit, nor more of the background than its part", () => {
    assert(
      property(asks, integer({ min: 2, max: 40 }), (all, limit) => {
        let window = learned({ limit, remaining: limit });
        let now = start;
        const made: { at: number; asker: string }[] = [];
        for (const { afterMs, skewMs, asker } of all) {
          now += afterMs;
          if (room(window, now + skewMs, asker) < 1) continue;
          window = spend(window, now + skewMs, asker);
          made.push({ at: now, asker });
        }
        for (const { at } of made) {
          const within = made.filter((call) => call.at >= at && call.at < at + window.windowMs - 50);
          expect(within.length).toBeLessThanOrEqual(limit);
          const background = within.filter(({ asker }) => asker !== "people").length;
          expect(background).toBeLessThanOrEqual(Math.max(Math.floor(limit * 0.8), 1));
        }
      }),
    );
  });

  test("C11: a fifth is left for people whatever the background takes; people may take all", () => {
    const swept = spendAll(learned(), start, "background");
    expect(room(swept, start, "background")).toBe(0);
    expect(room(swept, start, "people")).toBe(4);
    const deployed = spendAll(learned(), start, "people");
    expect([room(deployed, start, "people"), room(deployed, start, "background")]).toEqual([0, 0]);
  });

  test("C11: whatever sweeps take, the feed finds its calls in the rest", () => {
    const lists = learned({ limit: 200, remaining: 200, resetInMs: 60_000 });
    const swept = spendAll(lists, start, "sweep");
    expect([room(swept, start, "sweep"), room(swept, start, "background"), room(swept, start, "people")]).toEqual([
      0, 13, 53,
    ]);
    expect(room(spendAll(lists, start, "background"), start, "sweep")).toBe(0);
    expect(room(learned({ limit: 1, remaining: 1 }), start, "sweep")).toBe(1);
  });

  test("C11: what waitMs says is when there is room, and not a slot later than need be", () => {
    assert(
      property(asks, integer({ min: 1, max: 20 }), constantFrom("people", "background"), (all, wanted, asker) => {
        let window = learned();
        let now = start;
        for (const ask of all) {
          now += ask.afterMs;
          if (room(window, now, ask.asker) > 0) window = spend(window, now, ask.asker);
        }
        const place = asker === "people" ? wanted : Math.min(wanted, 16);
        if (room(window, now, asker) >= place) return;
        const wait = waitMs(window, now, asker, place);
        expect(room(window, now + wait, asker)).toBeGreaterThanOrEqual(place);
        expect(room(window, now + wait - 751, asker)).toBeLessThan(place);
      }),
    );
  });

  test("C11: a line of ten windows is told to come in windows, never sooner than the limit allows", () => {
    const empty = spendAll(learned(), start, "people");
    expect(waitMs(empty, start, "people", 200)).toBeGreaterThanOrEqual(10 * 15_000);
    expect(waitMs(empty, start, "people", 200)).toBeLessThanOrEqual(10 * 15_750 + 750);
  });

  test("C11: two hundred deploys in a line are through in little more than the limit's own time, the oldest first", () => {
    let window = learned();
    let now = start;
    const line = Array.from({ length: 200 }, (_, place) => ({ place, dueAt: start }));
    const gone: number[] = [];
    let looks = 0;
    while (line.length > 0) {
      const next = line.reduce((one, other) => (other.dueAt < one.dueAt ? other : one));
      now = Math.max(now, next.dueAt);
      looks += 1;
      const before = line.filter(({ place }) => place < next.place).length;
      if (room(window, now, "people") > before) {
        window = spend(window, now, "people");
        line.splice(line.indexOf(next), 1);
        gone.push(next.place);
      } else {
        next.dueAt = now + Math.min(waitMs(window, now, "people", before + 1), 30_000);
      }
    }
    expect(now - start).toBeGreaterThanOrEqual(9 * 15_000);
    expect(now - start).toBeLessThanOrEqual(9 * 15_000 * 1.1);
    expect(gone).toEqual(gone.toSorted((one, other) => one - other));
    expect(looks).toBeLessThan(200 * 8);
  });

  test("C11: the provider's own count corrects ours downward only, and late answers change nothing", () => {
    const one = spend(learned(), start, "people");
    expect(room(heard(one, start, { ...creates, remaining: 12 }), start, "people")).toBe(12);
    expect(room(heard(one, start, { ...creates, remaining: 20 }), start, "people")).toBe(19);
    expect(isNews(one, start, { ...creates, remaining: 19 })).toBe(false);
    expect(isNews(one, start, { ...creates, remaining: 18 })).toBe(true);
    const late = heard(heard(one, start, { ...creates, remaining: 5 }), start, { ...creates, remaining: 9 });
    expect(room(late, start, "people")).toBe(5);
  });

  test("C11: whatever is heard, in whatever order, what is left never grows and is never below none", () => {
    const answer = record({ remaining: integer({ min: -5, max: 30 }), spent: boolean() });
    assert(
      property(array(answer, { maxLength: 50 }), (answers) => {
        let window = learned();
        for (const { remaining, spent } of answers) {
          const before = room(window, start, "people");
          if (spent && before > 0) window = spend(window, start, "people");
          window = heard(window, start, { ...creates, remaining });
          const after = room(window, start, "people");
          expect(after).toBeLessThanOrEqual(before);
          expect(after).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("C11: a changed limit and a longer window are taken over; a first answer near the window's end is mended later", () => {
    const raised = heard(learned(), start, { limit: 1_000, remaining: 1_000, resetInMs: 9_000 });
    expect(raised).toMatchObject({ limit: 1_000, windowMs: 15_000 });
    const nearEnd = spend(learned({ limit: 200, remaining: 200, resetInMs: 4_000 }), start, "background");
    const mended = heard(nearEnd, start + 20_000, { limit: 200, remaining: 199, resetInMs: 58_000 });
    expect(mended.windowMs).toBe(60_000);
    expect(room(mended, start + 20_000, "people")).toBe(199);
  });

  test("C11: Retry-After is obeyed and clamped, and an earlier end never shortens a later one", () => {
    expect([blockMs(-10_000), blockMs(undefined), blockMs(Number.NaN), blockMs(1e12)]).toEqual([
      blockBoundsMs.min,
      5_000,
      5_000,
      blockBoundsMs.max,
    ]);
    const blocked = heard(heard(learned(), start, { retryAfterMs: 30_000 }), start + 1_000, { retryAfterMs: 1_000 });
    expect(room(blocked, start + 29_999, "people")).toBe(0);
    expect(room(blocked, start + 30_000, "people")).toBe(20);
    expect(waitMs(blocked, start, "people", 1)).toBe(30_000);
  });

  test("C11: a 429 of a provider that tells no limit blocks too; an answer without a word keeps nothing", () => {
    const blocked = windowOf({ retryAfterMs: 2_000 }, start);
    expect(blocked && room(blocked, start + 1_999, "people")).toBe(0);
    expect(blocked && room(blocked, start + 2_000, "people")).toBeGreaterThan(1_000_000);
    expect(windowOf({}, start)).toBeUndefined();
    expect(windowOf({ limit: 0, remaining: 0 }, start)).toBeUndefined();
  });

  test("C11: what a provider documents holds until it has answered; then what it says, or nothing where it tells no limit", () => {
    const declared = spend(declaredWindow(20, 15_000, start), start, "people");
    expect(room(declared, start, "people")).toBe(19);
    expect(isNews(declared, start, {})).toBe(true);
    const scaled = heard(declared, start, { limit: 200, remaining: 199, resetInMs: 15_000 });
    expect(room(scaled, start, "people")).toBe(199);
    expect(isNews(scaled, start, { limit: 200, remaining: 199 })).toBe(false);
    const unlimited = heard(declared, start, {});
    expect(room(unlimited, start, "people")).toBeGreaterThan(1_000_000);
    expect(isNews(unlimited, start, {})).toBe(false);
  });

  test("a host whose clock is behind neither frees a slot twice nor brings time back", () => {
    const ahead = spend(learned(), start + 10_000, "people");
    const behind = spend(ahead, start, "people");
    expect(behind.at).toBe(start + 10_000);
    expect(room(behind, start + 15_000, "people")).toBe(18);
  });
});
