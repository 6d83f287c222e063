import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { braked } from "./brake.ts";
import {
  abandoned,
  admitted,
  closedCircuit,
  failed,
  failingSince,
  isClean,
  succeeded,
  type Circuit,
  type CircuitRules,
} from "./circuit.ts";
import { standstillMs } from "./standstill.ts";

const rules: CircuitRules = { openMs: 5_000, openMaxMs: 60_000, probeMs: 45_000, evidenceMs: 0 };
const error = (at: number) => ({ at, code: "provider_unreachable", message: "refused" });

function opened(at = 0): Circuit {
  let circuit = closedCircuit(at);
  while (circuit.state === "closed") circuit = failed(circuit, error(at), rules);
  return circuit;
}

interface Act {
  afterMs: number;
  do: "ask" | "end" | "abandon";
  /** Whose call ends, and how. */
  which: number;
  well: boolean;
}

const acts = array(
  record<Act>({
    afterMs: integer({ min: 0, max: 20_000 }),
    do: constantFrom("ask", "end", "abandon"),
    which: integer({ min: 0, max: 50 }),
    well: boolean(),
  }),
  { maxLength: 200 },
);

describe("Circuit (C12)", () => {
  test("C12: eight failures in a row open it, counted from the first of them; a success between begins anew", () => {
    let circuit = closedCircuit(0);
    for (let n = 1; n <= 7; n += 1) circuit = failed(circuit, error(n), rules);
    expect(circuit.state).toBe("closed");
    expect(failed(circuit, error(8), rules)).toMatchObject({ state: "open", since: 1, until: 5_008, opened: 1 });
    const again = failed(succeeded(circuit, 8), error(9), rules);
    expect(again).toMatchObject({ state: "closed", streak: 1, failingSince: 9 });
  });

  test("C12: failures of one moment are no outage, however many: the successes of the same burst are still under way", () => {
    const patient = { ...rules, evidenceMs: 2_000 };
    let circuit = closedCircuit(0);
    for (let n = 0; n < 30; n += 1) circuit = failed(circuit, error(1_000 + n), patient);
    expect(circuit).toMatchObject({ state: "closed", streak: 30, failingSince: 1_000 });
    expect(succeeded(circuit, 1_500)).toMatchObject({ state: "closed", streak: 0 });
    // None has gone well by then: the clock of C7 has stood still from the first one on.
    expect(failed(circuit, error(3_000), patient)).toMatchObject({ state: "open", since: 1_000 });
  });

  test("C12: half of twenty calls in a minute open it too; three in ten never do", () => {
    let circuit = closedCircuit(0);
    for (let n = 1; n <= 20 && circuit.state === "closed"; n += 1) {
      circuit = n % 2 === 1 ? failed(circuit, error(n), rules) : succeeded(circuit, n);
    }
    for (let n = 21; n <= 22 && circuit.state === "closed"; n += 1) circuit = failed(circuit, error(n), rules);
    expect(circuit.state).toBe("open");
    let flaky = closedCircuit(0);
    for (let n = 0; n < 5_000; n += 1) {
      flaky = n % 10 < 3 ? failed(flaky, error(n * 100), rules) : succeeded(flaky, n * 100);
    }
    expect(flaky.state).toBe("closed");
  });

  test("C12: pauses double up to their limit while probes fail; a probe that goes well closes it", () => {
    let circuit = opened();
    const pauses: number[] = [];
    let now = 0;
    for (let n = 0; n < 6; n += 1) {
      if (circuit.state !== "open") throw new RangeError(circuit.state);
      pauses.push(circuit.until - now);
      now = circuit.until;
      const { circuit: probing, answer } = admitted(circuit, now, rules);
      circuit = failed(probing, error(now), rules, answer.go ? answer.probe : undefined);
    }
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    if (circuit.state !== "open") throw new RangeError(circuit.state);
    expect(circuit.since).toBe(0);
    const { circuit: last, answer } = admitted(circuit, circuit.until, rules);
    const closed = succeeded(last, circuit.until + 10, answer.go ? answer.probe : undefined);
    expect(isClean(closed)).toBe(true);
  });

  test("C12: whatever comes in whatever order, no two probes are under way at once, and while it is open nothing goes", () => {
    assert(
      property(acts, (all) => {
        let circuit = opened();
        let now = 0;
        const probes = new Map<number, number>();
        for (const act of all) {
          now += act.afterMs;
          const live = () => [...probes].filter(([, until]) => until > now).map(([probe]) => probe);
          if (act.do === "ask") {
            const before = circuit;
            const result = admitted(circuit, now, rules);
            circuit = result.circuit;
            if (before.state === "open" && now < before.until) expect(result.answer.go).toBe(false);
            if (result.answer.go && result.answer.probe !== undefined) {
              expect(live()).toEqual([]);
              probes.set(result.answer.probe, now + rules.probeMs);
            } else if (result.answer.go) {
              expect(before.state).toBe("closed");
            } else {
              expect(result.answer.waitMs).toBeGreaterThan(0);
            }
          } else {
            // Outcomes of any probe ever let through, and of calls that began before it opened.
            const known = [undefined, ...probes.keys()];
            const probe = known[act.which % known.length];
            if (act.do === "end") {
              circuit = act.well ? succeeded(circuit, now, probe) : failed(circuit, error(now), rules, probe);
            } else if (probe !== undefined) {
              circuit = abandoned(circuit, now, probe);
            }
            if (probe !== undefined) probes.delete(probe);
          }
        }
      }),
    );
  });

  test("C12: a late answer of a call from before neither closes nor prolongs it", () => {
    const circuit = opened();
    expect(succeeded(circuit, 10)).toBe(circuit);
    expect(failed(circuit, error(10), rules)).toBe(circuit);
    const { circuit: probing } = admitted(circuit, 5_000, rules);
    const { circuit: second } = admitted(probing, 50_000, rules);
    expect(succeeded(second, 50_001, 1)).toBe(second);
    expect(succeeded(second, 50_001, 2).state).toBe("closed");
  });

  test("C12: successes of a healthy provider change nothing, so that none is written down; an old failure is forgotten", () => {
    const healthy = closedCircuit(0);
    expect(succeeded(healthy, 1)).toBe(healthy);
    const once = succeeded(failed(healthy, error(1), rules), 2);
    expect(isClean(once)).toBe(false);
    expect(isClean(succeeded(once, 60_001))).toBe(true);
  });
});

describe("standstill (C7)", () => {
  const outage = record({
    beganAt: integer({ min: 0, max: 1_000 }),
    lastsMs: integer({ min: 0, max: 400 }),
    goesOn: boolean(),
  });

  test("C7: an instance's clock never goes back, never goes faster than time, and stands still throughout every outage", () => {
    assert(
      property(array(outage, { maxLength: 8 }), integer({ min: 0, max: 500 }), (all, accepted) => {
        const outages = all.map(({ beganAt, lastsMs, goesOn }) => ({
          beganAt,
          ...(goesOn ? {} : { endedAt: beganAt + lastsMs }),
        }));
        const clock = (now: number) => now - accepted - standstillMs(outages, accepted, now);
        for (let now = accepted; now < 1_500; now += 7) {
          const step = clock(now + 7) - clock(now);
          expect(step).toBeGreaterThanOrEqual(0);
          expect(step).toBeLessThanOrEqual(7);
          const down = outages.some(({ beganAt, endedAt }) => beganAt <= now && (endedAt ?? Infinity) >= now + 7);
          if (down) expect(step).toBe(0);
        }
      }),
    );
  });

  test("C7: a failing provider stops the clock from its first failure on, before the circuit opens", () => {
    const failing = failed(closedCircuit(0), error(100), rules);
    const beganAt = failingSince(failing);
    expect(beganAt).toBe(100);
    expect(standstillMs([{ beganAt: beganAt ?? 0 }], 50, 400)).toBe(300);
    expect(failingSince(succeeded(failing, 200))).toBeUndefined();
  });
});

describe("braked (C12)", () => {
  test("C12: few of many, or of few, are acted on; too many stop it once and for a time", () => {
    expect(braked(undefined, { unwell: 9, of: 9 }, 0, 100)).toEqual({ act: true, begun: false, brake: undefined });
    expect(braked(undefined, { unwell: 40, of: 100 }, 0, 100)).toMatchObject({ act: true, brake: undefined });
    const { brake, ...begun } = braked(undefined, { unwell: 41, of: 100 }, 0, 100);
    expect(begun).toEqual({ act: false, begun: true });
    expect(braked(brake, { unwell: 90, of: 100 }, 99, 100)).toEqual({ act: false, begun: false, brake });
    expect(braked(brake, { unwell: 90, of: 100 }, 100, 100)).toEqual({ act: true, begun: false, brake });
    expect(braked(brake, { unwell: 5, of: 100 }, 50, 100)).toEqual({ act: true, begun: false, brake: undefined });
  });
});
