import { randomUUID } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GuardedLease, PermitTable } from "../../src/manager/lease-permits.ts";

describe("L9 L12 the table of permits that the lease thread reads", () => {
  test("has what is held, with its ticket and the end of its lease, whatever the order of acts", () => {
    const act = fc.oneof(
      fc.record({ act: fc.constant("hold" as const), ticket: fc.uuid(), untilUs: fc.nat() }),
      fc.record({ act: fc.constant("extend" as const), which: fc.nat(12), untilUs: fc.nat() }),
      fc.record({ act: fc.constant("answer" as const), which: fc.nat(12), untilUs: fc.option(fc.nat()) }),
      fc.record({ act: fc.constant("drop" as const), which: fc.nat(12) }),
    );
    const run = fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const table = new PermitTable({ rows: 8 });
      const thread = new PermitTable({ buffer: table.buffer });
      const held: { lease: GuardedLease; ticket: string; untilUs: number | undefined }[] = [];
      for (const next of acts) {
        if (next.act === "hold") {
          const lease = table.hold(next.ticket, next.untilUs);
          // Full: the event loop renews that one alone.
          expect(lease === undefined).toBe(held.length === 8);
          if (lease !== undefined) held.push({ lease, ticket: next.ticket, untilUs: next.untilUs });
          continue;
        }
        const chosen = held[next.which];
        if (chosen === undefined) continue;
        if (next.act === "drop") {
          chosen.lease.drop();
          held.splice(next.which, 1);
        } else if (next.act === "extend") {
          chosen.lease.extend(next.untilUs);
          if (chosen.untilUs !== undefined) chosen.untilUs = Math.max(chosen.untilUs, next.untilUs);
        } else {
          const seen = [...thread.tickets()].find(({ ticket }) => ticket === chosen.ticket);
          expect(seen === undefined).toBe(chosen.untilUs === undefined);
          if (seen === undefined) continue;
          thread.answered(seen, next.untilUs ?? undefined);
          chosen.untilUs = next.untilUs ?? undefined;
        }
        for (const { lease, untilUs } of held) expect(lease.untilUs()).toBe(untilUs);
      }
      const alive = held.flatMap(({ ticket, untilUs }) => (untilUs === undefined ? [] : [`${ticket} ${untilUs}`]));
      const seen = [...thread.tickets()].map(({ ticket, untilUs }) => `${ticket} ${untilUs}`);
      expect(seen.toSorted()).toEqual(alive.toSorted());
    });
    fc.assert(run, { numRuns: 300 });
  });

  test("what the store said of a ticket does not touch the next holder of its row, nor a renewal made meanwhile", () => {
    const table = new PermitTable({ rows: 1 });
    const thread = new PermitTable({ buffer: table.buffer });
    const lease = table.hold(randomUUID(), 1_000);
    const [seen] = thread.tickets();
    lease?.extend(5_000);
    thread.answered(seen!, undefined);
    expect(lease?.untilUs()).toBe(5_000);
    lease?.drop();
    const next = table.hold(randomUUID(), 1_000);
    thread.answered(seen!, 9_000);
    expect(next?.untilUs()).toBe(1_000);
    expect(thread.tickets().next().done).toBe(false);
  });
});
