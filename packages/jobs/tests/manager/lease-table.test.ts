import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LeaseTable, sharedNowUs } from "../../src/manager/lease-table.ts";

const stuckAtUs = undefined;

describe("L9 the table that the lease thread reads", () => {
  test("has what is held, as it was last extended, and nothing that was dropped, whatever the order of these", () => {
    const act = fc.oneof(
      fc.record({ act: fc.constant("hold" as const), id: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }) }),
      fc.record({ act: fc.constant("extend" as const), which: fc.nat(20), untilUs: fc.nat() }),
      fc.record({ act: fc.constant("drop" as const), which: fc.nat(20) }),
    );
    const run = fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const table = new LeaseTable({ rows: 8 });
      const seen = new LeaseTable({ buffer: table.buffer });
      const held: { row: number; id: string; untilUs: number }[] = [];
      const turns = new Set<string>();
      for (const next of acts) {
        if (next.act === "hold") {
          const id = String(next.id);
          const row = table.hold({ id, fence: 7, version: 0, untilUs: 5, stuckAtUs });
          // Full: the event loop renews that one alone.
          expect(row === undefined).toBe(held.length === 8);
          if (row !== undefined) held.push({ row, id, untilUs: 5 });
        } else {
          const chosen = held[next.which];
          if (chosen === undefined) continue;
          if (next.act === "drop") {
            table.drop(chosen.row);
            held.splice(next.which, 1);
          } else {
            table.extend(chosen.row, next.untilUs);
            chosen.untilUs = next.untilUs;
          }
        }
        const entries = [...seen.entries()];
        const shown = entries.map(({ row, id, untilUs }) => ({ row, id, untilUs }));
        expect(shown).toEqual(held.toSorted((a, b) => a.row - b.row));
        for (const { row, turn, id } of entries) turns.add(`${row} ${turn} ${id}`);
      }
      // A row's turn never stands for two attempts: an old answer cannot meet a new one.
      expect(new Set([...turns].map((turn) => turn.split(" ").slice(0, 2).join(" "))).size).toBe(turns.size);
    });
    fc.assert(run, { numRuns: 300 });
  });

  test("is not read while it is written, and tells when the event loop last looked", () => {
    const table = new LeaseTable({ rows: 2 });
    const row = table.hold({ id: "1", fence: 1, version: 3, untilUs: 1, stuckAtUs: 99 }) ?? -1;
    expect([...table.entries()]).toMatchObject([{ row, id: "1", version: 3, stuckAtUs: 99 }]);
    const before = sharedNowUs();
    table.beat();
    expect(table.lastBeatUs).toBeGreaterThanOrEqual(before);
    table.drop(row);
    expect([...table.entries()]).toEqual([]);
  });
});

describe("L9 begun or given back: one of the two, and once", () => {
  const entry = { id: "1", fence: 1, version: 0, untilUs: 1, stuckAtUs };

  test("what has begun cannot be given back, and what was given back cannot begin", () => {
    const table = new LeaseTable({ rows: 2 });
    const first = table.hold(entry) ?? -1;
    const second = table.hold({ ...entry, id: "2" }) ?? -1;
    const [one, two] = [...table.entries()];
    expect([one?.progress, two?.progress]).toEqual(["waiting", "waiting"]);
    expect(table.begin(first)).toBe(true);
    expect(table.giveBack({ row: first, turn: one?.turn ?? 0n })).toBe(false);
    expect(table.giveBack({ row: second, turn: two?.turn ?? 0n })).toBe(true);
    expect(table.begin(second)).toBe(false);
    expect([...table.entries()].map(({ progress }) => progress)).toEqual(["begun", "given-back"]);
  });

  test("a thread that is late does not give back the row's next attempt", () => {
    const table = new LeaseTable({ rows: 1 });
    const row = table.hold(entry) ?? -1;
    const [old] = [...table.entries()];
    table.drop(row);
    expect(table.hold({ ...entry, id: "2" })).toBe(row);
    expect(table.giveBack({ row, turn: old?.turn ?? 0n })).toBe(false);
    expect(table.begin(row)).toBe(true);
  });
});
