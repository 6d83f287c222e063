import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { Attempt } from "../../src/manager/attempt.ts";
import { Line } from "../../src/manager/line.ts";
import { claimOf, kindOf } from "./claims.ts";

const kind = kindOf(defineJob("job", { run() {} }));

interface Order {
  priority: number;
  attemptsUsed: number;
  id: string;
}

function attemptOf(order: Order): Attempt {
  return new Attempt({ claimed: claimOf(order), kind, leaseUntil: 9_000, isMarked: false });
}

/** L1: the higher priority, then fewer attempts used, then the older. */
function byLaw(a: Order, b: Order): number {
  return b.priority - a.priority || a.attemptsUsed - b.attemptsUsed || Number(a.id) - Number(b.id);
}

test("L1 what is claimed ahead begins in the order of the law, whatever came in which claim", () => {
  const order = fc.record({
    priority: fc.constantFrom(1, 100, 255),
    attemptsUsed: fc.nat(2),
    // Of different lengths: as texts, "9" comes behind "10".
    id: fc.integer({ min: 1, max: 2_000 }).map(String),
  });
  const claims = fc.uniqueArray(order, { selector: ({ id }) => id, maxLength: 120 });
  const run = fc.property(claims, fc.array(fc.nat(5), { maxLength: 120 }), (jobs, takenAfter) => {
    const line = new Line({ queue: "default", lane: "short", process: "inline", names: ["job"] }, 0);
    const model: Order[] = [];
    const take = (): void => {
      const next = model.toSorted(byLaw)[0];
      expect(line.next()?.claimed.id).toBe(next?.id);
      if (next !== undefined) model.splice(model.indexOf(next), 1);
    };
    for (const [index, job] of jobs.entries()) {
      line.add(attemptOf(job));
      model.push(job);
      expect(line.waiting).toBe(model.length);
      // Between claims some begin.
      for (let left = Math.max(0, (takenAfter[index] ?? 0) - 3); left > 0; left -= 1) take();
    }
    while (model.length > 0) take();
    expect(line.next()).toBeUndefined();
  });
  fc.assert(run, { numRuns: 300 });
});
