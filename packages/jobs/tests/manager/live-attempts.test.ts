import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { Attempt } from "../../src/manager/attempt.ts";
import { LiveAttempts } from "../../src/manager/live-attempts.ts";
import { claimOf, kindOf } from "./claims.ts";

const definition = defineJob("job", { run() {} });

function attempt(): Attempt {
  return new Attempt({ claimed: claimOf(), kind: kindOf(definition), leaseUntil: 9_000, isMarked: true });
}

describe("L9 the attempts whose leases are kept", () => {
  test("are those that were added and not deleted, whatever the order of these", () => {
    const act = fc.record({ act: fc.constantFrom("add", "delete", "again"), which: fc.nat(20) });
    const run = fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const live = new LiveAttempts();
      const model = new Set<Attempt>();
      const gone: Attempt[] = [];
      for (const next of acts) {
        const chosen = [...model][next.which];
        if (next.act === "add") {
          const added = attempt();
          live.add(added);
          model.add(added);
        } else if (next.act === "again") for (const one of gone) live.delete(one);
        else if (chosen !== undefined) {
          live.delete(chosen);
          model.delete(chosen);
          gone.push(chosen);
        }
        expect(live.size).toBe(model.size);
        const seen = [...live];
        expect(seen.length).toBe(model.size);
        expect(seen.filter((one) => !model.has(one))).toEqual([]);
        expect(new Set(seen).size).toBe(model.size);
      }
    });
    fc.assert(run, { numRuns: 200 });
  });

  test("are all met, though the one that is met goes, and others with it", () => {
    const live = new LiveAttempts();
    const all = Array.from({ length: 5 }, attempt);
    for (const each of all) live.add(each);
    const met = new Set<Attempt>();
    for (const each of live) {
      met.add(each);
      live.delete(each);
      if (met.size === 2) for (const other of all.slice(0, 1)) live.delete(other);
    }
    expect(met.size).toBe(4);
    expect(live.size).toBe(0);
  });
});
