import { assert, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { agedPriority, queueChange, tokensAfter } from "./queue.ts";

const priority = integer({ min: 0, max: 255 });
const ms = integer({ min: 0, max: 1_000_000 });
/** Aging is at least 1 ms: `configure` refuses 0. */
const agings = integer({ min: 1, max: 1_000_000 });

describe("L16 aging", () => {
  it("L16 the bound: one that becomes ready more than (q − p + 1) × aging later never goes before it", () => {
    assert(
      property(priority, priority, agings, integer({ min: 1, max: 10_000 }), ms, (p, q, agingMs, later, waited) => {
        const bound = Math.max(0, (q - p + 1) * agingMs) + later;
        const now = bound + waited;
        expect(agedPriority(p, now, agingMs)).toBeGreaterThanOrEqual(agedPriority(q, now - bound, agingMs));
      }),
      { numRuns: 2_000 },
    );
  });

  it("L16 without waiting nothing is gained, and a clock that went back takes nothing", () => {
    expect(agedPriority(100, 0, 1_000)).toBe(100);
    expect(agedPriority(100, -5_000, 1_000)).toBe(100);
    expect(agedPriority(250, 20_000, 1_000)).toBe(270);
  });
});

describe("L14 rates", () => {
  it("L14 in any time no more goes than the burst and what the rate brings", () => {
    assert(
      property(
        integer({ min: 1, max: 100 }),
        integer({ min: 1, max: 50 }),
        integer({ min: 1, max: 5_000 }),
        (rate, burst, stepMs) => {
          let tokens = burst;
          let gone = 0;
          for (let step = 0; step < 50; step += 1) {
            const taken = Math.floor(tokens);
            gone += taken;
            tokens = tokensAfter(tokens - taken, stepMs, rate, burst);
          }
          expect(gone).toBeLessThanOrEqual(burst + (49 * stepMs * rate) / 1_000 + 1e-6);
        },
      ),
    );
  });

  it("L14 without a burst a second's worth goes at once, at least one", () => {
    expect(tokensAfter(0, 60_000, 2.5, null)).toBe(3);
    expect(tokensAfter(0, 60_000, 0.5, null)).toBe(1);
    expect(tokensAfter(1, -1_000, 5, null)).toBe(1);
  });
});

describe("L14 settings out of bounds are refused with their value", () => {
  it.each([
    [{ weight: 0 }, "weight is 0"],
    [{ concurrency: 1.5 }, "concurrency is 1.5"],
    [{ keyConcurrency: -1 }, "keyConcurrency is -1"],
    [{ rate: { perSecond: 0 } }, "rate.perSecond is 0"],
    [{ rate: { perSecond: 1, burst: 0 } }, "rate.burst is 0"],
    [{ aging: 0 }, "aging is 0"],
  ])("L14 %j", (options, message) => {
    expect(() => queueChange(options)).toThrow(
      expect.objectContaining({ code: "invalid_options", message: expect.stringContaining(message) }),
    );
  });

  it("null takes a limit away, and what is not named is not touched", () => {
    expect(queueChange({ concurrency: null, rate: null, aging: null })).toEqual({
      concurrency: null,
      ratePerSecond: null,
      rateBurst: null,
      agingMs: null,
    });
    expect(queueChange({ rate: { perSecond: 5 }, aging: "30s" })).toEqual({
      ratePerSecond: 5,
      rateBurst: null,
      agingMs: 30_000,
    });
  });
});
