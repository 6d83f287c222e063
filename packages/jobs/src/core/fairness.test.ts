import { array, assert, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { dealt } from "./fairness.ts";

const line = record({ weight: integer({ min: 1, max: 20 }), places: integer({ min: 0, max: 50 }) });

describe("L16 slots are dealt by weight", () => {
  it("L16 together they are all free slots, or all places, and no line gets more than its places", () => {
    assert(
      property(array(line, { maxLength: 8 }), integer({ min: 0, max: 200 }), (lines, free) => {
        const slots = dealt(
          lines,
          free,
          lines.map(() => 0),
        );
        const places = lines.reduce((sum, each) => sum + each.places, 0);
        expect(slots.reduce((sum, n) => sum + n, 0)).toBe(Math.min(free, places));
        lines.forEach(({ places: most }, index) => expect(slots[index]).toBeLessThanOrEqual(most));
      }),
    );
  });

  it("L16 over many rounds each line has its part, whatever the slots of a round, to within two slots", () => {
    const weights = array(integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });
    assert(
      property(weights, array(integer({ min: 1, max: 7 }), { minLength: 20, maxLength: 60 }), (each, rounds) => {
        const lines = each.map((weight) => ({ weight, places: 1_000 }));
        const credits = lines.map(() => 0);
        const got = lines.map(() => 0);
        for (const free of rounds)
          dealt(lines, free, credits).forEach((n, index) => (got[index] = (got[index] ?? 0) + n));
        const total = rounds.reduce((sum, n) => sum + n, 0);
        const sum = each.reduce((all, weight) => all + weight, 0);
        each.forEach((weight, index) =>
          expect(Math.abs((got[index] ?? 0) - (total * weight) / sum)).toBeLessThan(2.001),
        );
      }),
    );
  });

  it("L16 one slot at a time goes round: three to one", () => {
    const lines = [
      { weight: 3, places: 9 },
      { weight: 1, places: 9 },
    ];
    const credits = [0, 0];
    const turns = Array.from({ length: 8 }, () => dealt(lines, 1, credits).indexOf(1));
    expect(turns.filter((turn) => turn === 0)).toHaveLength(6);
    expect(turns.slice(0, 4)).toContain(1);
  });

  it("L16 what a line has no places for goes to the others", () => {
    expect(
      dealt(
        [
          { weight: 9, places: 1 },
          { weight: 1, places: 50 },
          { weight: 1, places: 0 },
        ],
        20,
        [0, 0, 0],
      ),
    ).toEqual([1, 19, 0]);
    expect(dealt([], 5, [])).toEqual([]);
  });
});
