import { array, assert, integer, nat, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProviderEvent } from "../event-feed.ts";
import { filterOf, pageAfter, type EventCursor } from "./events.ts";
import type { LinodeEvent } from "./shapes.ts";

function row(id: number, status: string, more: Partial<LinodeEvent> = {}): LinodeEvent {
  const entity = { id: 7, type: "linode" };
  return { id, action: "linode_boot", status, created: "2026-11-21T10:00:00", duration: 30, entity, ...more };
}

/** The rows that the filter lets through, as Linode would page them. */
function asked(log: readonly LinodeEvent[], cursor: EventCursor, size: number): { rows: LinodeEvent[]; cut: boolean } {
  const filter = filterOf(cursor);
  const parts = "+or" in filter ? (filter["+or"] as { id: number | { "+gt": number } }[]) : [filter as { id: number }];
  const rows = log.filter(({ id }) =>
    parts.some((part) => (typeof part.id === "number" ? part.id === id : id > part.id["+gt"])),
  );
  return { rows: rows.slice(0, size), cut: rows.length > size };
}

describe("Linode's events", () => {
  test("C10: an event is told when it starts and once more when it has ended, with the time of its end", () => {
    const first = pageAfter({ seen: 10, open: [] }, [row(11, "started"), row(12, "finished")], false);
    expect(first.events).toMatchObject([
      { id: "11", instanceId: "7", kind: "booted", state: "started", at: "2026-11-21T10:00:00.000Z" },
      { id: "12", state: "finished", at: "2026-11-21T10:00:30.000Z" },
    ]);
    const cursor = JSON.parse(first.cursor) as EventCursor;
    expect(filterOf(cursor)).toEqual({ "+or": [{ id: { "+gt": 12 } }, { id: 11 }] });
    const still = pageAfter(cursor, [row(11, "started")], false);
    expect(still).toMatchObject({ events: [], cursor: first.cursor });
    const ended = pageAfter(cursor, [row(11, "failed"), row(13, "scheduled")], false);
    expect(ended.events).toMatchObject([
      { id: "11", state: "failed" },
      { id: "13", state: "started" },
    ]);
    expect(JSON.parse(ended.cursor)).toEqual({ seen: 13, open: [13] });
  });

  test("C10: what concerns no instance moves the cursor and tells nothing; unknown words are a change", () => {
    const rows = [
      row(11, "finished", { entity: { id: 1, type: "ticket" } }),
      row(12, "finished", { entity: null }),
      row(13, "notification", { action: "linode_dream", duration: null }),
      row(14, "finished", { action: "backups_restore", entity: { id: 9, type: "backups" } }),
    ];
    const page = pageAfter({ seen: 10, open: [] }, rows, false);
    expect(page.events.map(({ id, kind, instanceId }) => [id, kind, instanceId])).toEqual([
      ["13", "changed", "7"],
      ["14", "backup", "9"],
    ]);
    expect(JSON.parse(page.cursor)).toEqual({ seen: 14, open: [] });
  });

  test("C10: with more under way than are kept the oldest are given up, and the page says so", () => {
    const rows = Array.from({ length: 1_201 }, (_, at) => row(at + 1, "started"));
    const page = pageAfter({ seen: 0, open: [] }, rows, false);
    expect(page.gap).toBe(true);
    expect(JSON.parse(page.cursor)).toMatchObject({ seen: 1_201, open: { length: 1_200 } });
    expect(page.cursor.length).toBeLessThan(16_384);
  });

  test("C10: however events come and end, and however pages are cut, each end is told exactly once", () => {
    const step = record({ fresh: nat(60), ended: array(nat(400), { maxLength: 40 }), looks: nat(3) });
    assert(
      property(array(step, { maxLength: 25 }), integer({ min: 101, max: 160 }), (steps, size) => {
        const log: LinodeEvent[] = [];
        const told: ProviderEvent[] = [];
        let cursor: EventCursor = { seen: 0, open: [] };
        const look = () => {
          const { rows, cut } = asked(log, cursor, size);
          const page = pageAfter(cursor, rows, cut);
          told.push(...page.events);
          cursor = JSON.parse(page.cursor) as EventCursor;
          return page;
        };
        for (const { fresh, ended, looks } of steps) {
          // Ids are not dense: other accounts' lie between.
          for (let made = 0; made < fresh; made += 1) log.push(row((log.length + 1) * 3, "started"));
          for (const at of ended) if (log[at] !== undefined) log[at] = { ...log[at], status: "finished" };
          for (let done = 0; done < looks; done += 1) look();
        }
        log.forEach((each, at) => (log[at] = { ...each, status: "finished" }));
        for (let passes = 0; passes < 2; passes += 1) {
          let page = look();
          while (page.more) page = look();
        }
        const ends = told.filter(({ state }) => state === "finished").map(({ id }) => id);
        expect(ends.toSorted()).toEqual(log.map(({ id }) => String(id)).toSorted());
        const starts = told.filter(({ state }) => state === "started").map(({ id }) => id);
        expect(new Set(starts).size).toBe(starts.length);
        expect(cursor.open).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
