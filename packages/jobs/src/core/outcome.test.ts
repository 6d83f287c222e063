import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claimed } from "../transporters/transporter.ts";
import { defaultRules, outcomeOf, type AttemptEnd } from "./outcome.ts";

const claimed: Claimed = {
  id: "7",
  name: "job",
  queue: "default",
  lane: "short",
  input: "null",
  fence: 3,
  version: 0,
  basePriority: 100,
  priority: 100,
  attempts: 30,
  attemptsUsed: 0,
  crashes: 0,
  errors: 0,
  timeoutMs: 60_000,
  cancelRequested: false,
  createdAt: 0,
  readyAt: 0,
};
const failure = { code: "quota", message: "no more servers", stack: "Error: no more", details: { limit: 3 } };
const outcome = (end: AttemptEnd, job: Partial<Claimed> = {}) =>
  outcomeOf({ ...claimed, ...job }, end, defaultRules, () => 1);

/** The backoffs of a job whose attempts end so; those of releases and lost leases are none. */
function waits(ends: readonly AttemptEnd["kind"][]): number[] {
  let job: Claimed = { ...claimed };
  return ends.flatMap((kind) => {
    const next = outcomeOf(job, { kind, delayMs: 7, failure }, defaultRules, () => 1);
    if (next.kind !== "retry") throw new RangeError(next.kind);
    job = { ...job, attemptsUsed: next.attemptsUsed, crashes: next.crashes, errors: next.errors };
    return kind === "released" || kind === "lost" ? [] : [next.delayMs];
  });
}

describe("what an attempt's end means", () => {
  test("L4: an error takes one attempt, lowers the priority and waits for the backoff", () => {
    expect(outcome({ kind: "error", failure })).toEqual({
      kind: "retry",
      cause: "error",
      delayMs: 1_000,
      priority: 96,
      attemptsUsed: 1,
      crashes: 0,
      errors: 1,
      failure,
    });
  });

  test("L4, L7: the backoff grows with errors, timeouts and crashes alone: releases and lost leases do not lengthen it", () => {
    expect(waits(["error", "timeout", "crashed", "error"])).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(waits(["released", "released", "lost", "error"])).toEqual([1_000]);
    const end = fc.constantFrom<AttemptEnd["kind"]>("released", "lost", "error", "timeout");
    fc.assert(
      fc.property(fc.array(end, { maxLength: 20 }), (ends) => {
        expect(waits(ends)).toEqual(waits(ends.filter((kind) => kind === "error" || kind === "timeout")));
      }),
    );
  });

  test("L4: a defer costs nothing", () => {
    expect(outcome({ kind: "deferred", delayMs: 50 }, { attemptsUsed: 29, priority: 3 })).toEqual({
      kind: "defer",
      delayMs: 50,
    });
  });

  test("L7: a release comes back after its own delay; its wake key, else the one before, goes with it", () => {
    expect(outcome({ kind: "released", delayMs: 30_000, wakeKey: "new" }, { wakeKey: "old" })).toMatchObject({
      kind: "retry",
      cause: "released",
      delayMs: 30_000,
      attemptsUsed: 1,
      wakeKey: "new",
    });
    expect(outcome({ kind: "error", failure }, { wakeKey: "old" })).toMatchObject({ wakeKey: "old" });
    expect(outcome({ kind: "released", delayMs: 1 })).not.toHaveProperty("failure");
  });

  test("L9: a lost attempt is back at once, charged, without a crash", () => {
    expect(outcome({ kind: "lost", failure })).toMatchObject({ delayMs: 0, attemptsUsed: 1, crashes: 0 });
  });

  test("L10: the last attempt fails the job and keeps the last failure", () => {
    expect(outcome({ kind: "timeout", failure }, { attemptsUsed: 29 })).toEqual({
      kind: "failed",
      cause: "timeout",
      attemptsUsed: 30,
      crashes: 0,
      errors: 1,
      failure: {
        code: "attempts_exhausted",
        message: "30 of 30 attempts used; the last: no more servers",
        stack: failure.stack,
        details: { last: { code: "quota", message: "no more servers", details: { limit: 3 } } },
      },
    });
    expect(outcome({ kind: "released", delayMs: 1 }, { attempts: 1 })).toMatchObject({
      kind: "failed",
      cause: "released",
      failure: { code: "attempts_exhausted" },
    });
  });

  test("L10: the third crash fails the job, whatever attempts are left", () => {
    expect(outcome({ kind: "crashed", failure }, { crashes: 1 })).toMatchObject({ kind: "retry", crashes: 2 });
    expect(outcome({ kind: "crashed", failure }, { crashes: 2 })).toMatchObject({
      kind: "failed",
      failure: { code: "crashes_exhausted", details: { last: { code: "quota" } } },
    });
    expect(outcome({ kind: "lost", failure }, { crashes: 3 })).toMatchObject({ kind: "retry", crashes: 3 });
  });

  test("L10: a handler's own fail ends the job at once", () => {
    expect(outcome({ kind: "failed", failure })).toEqual({
      kind: "failed",
      cause: "error",
      attemptsUsed: 1,
      crashes: 0,
      errors: 1,
      failure,
    });
  });

  test("a cancel given meanwhile wins over all but processed and the handler's own fail", () => {
    const job = { cancelRequested: true };
    for (const end of [
      { kind: "released", delayMs: 1 },
      { kind: "deferred", delayMs: 1 },
      { kind: "error", failure },
      { kind: "lost", failure },
    ] as const) {
      expect(outcome(end, job)).toMatchObject({ kind: "cancelled", failure: { code: "cancelled" } });
    }
    expect(outcome({ kind: "processed", result: "1" }, job)).toEqual({ kind: "processed", result: "1" });
    expect(outcome({ kind: "failed", failure }, job).kind).toBe("failed");
  });

  test("a priority given meanwhile is what decays when the end is computed again", () => {
    expect(outcome({ kind: "error", failure }, { basePriority: 200, version: 1 })).toMatchObject({ priority: 193 });
  });

  test("L10: whatever happens, no job has more charged attempts than its budget, and every end is reached", () => {
    const ends = fc.array(fc.constantFrom<AttemptEnd["kind"]>("released", "error", "timeout", "crashed", "lost"), {
      minLength: 1_000,
      maxLength: 1_000,
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), ends, (attempts, kinds) => {
        let job: Claimed = { ...claimed, attempts };
        for (const kind of kinds) {
          const next = outcomeOf(job, { kind, delayMs: 1, failure }, defaultRules, () => 0);
          if (next.kind === "failed") {
            expect(next.attemptsUsed).toBeLessThanOrEqual(attempts);
            return;
          }
          if (next.kind !== "retry") throw new RangeError(next.kind);
          expect(next.attemptsUsed).toBe(job.attemptsUsed + 1);
          job = {
            ...job,
            attemptsUsed: next.attemptsUsed,
            crashes: next.crashes,
            errors: next.errors,
            priority: next.priority,
          };
        }
        throw new RangeError("no end");
      }),
      { numRuns: 30 },
    );
  });
});
