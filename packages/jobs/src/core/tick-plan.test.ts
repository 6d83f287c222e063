import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "./limits.ts";
import { planTick, type MissedPolicy } from "./tick-plan.ts";
import { lastDue, nextDue, type Timing } from "./timing.ts";

const minute = 60_000;
const hour = 60 * minute;
const hourly: Timing = { everyMs: hour };
const start = Date.parse("2026-05-01T12:00:00Z");

describe("L13 what becomes of a due tick", () => {
  test("on time: it is fired, nothing was missed", () => {
    expect(planTick(hourly, "skip", start, start + 3)).toEqual({
      dueAt: start,
      missed: [],
      moreMissed: false,
      nextDueAt: start + hour,
    });
  });

  test("skip: what came longer ago than the grace is not run", () => {
    const missed = [start, start + hour, start + 2 * hour];
    expect(planTick(hourly, "skip", start, start + 2.5 * hour)).toEqual({
      missed,
      moreMissed: false,
      nextDueAt: start + 3 * hour,
    });
  });

  test("a restart or takeover within the grace misses nothing", () => {
    expect(planTick(hourly, "skip", start, start + limits.tickGraceMs).dueAt).toBe(start);
    expect(planTick(hourly, "skip", start, start + limits.tickGraceMs + 1).dueAt).toBeUndefined();
  });

  test("once: the last of the missed is run for all of them", () => {
    expect(planTick(hourly, "once", start, start + 2.5 * hour)).toEqual({
      missed: [start, start + hour],
      moreMissed: false,
      dueAt: start + 2 * hour,
      nextDueAt: start + 3 * hour,
    });
  });

  test("of very many missed ones the latest are listed", () => {
    const plan = planTick({ everyMs: 1_000 }, "skip", start, start + 24 * hour);
    expect(plan.missed).toHaveLength(limits.missedTicksLogged);
    expect(plan).toMatchObject({ moreMissed: true, dueAt: start + 24 * hour });
    expect(plan.missed.at(-1)).toBe(start + 24 * hour - 1_000);
  });

  test("a due time that the pattern does not have is passed over", () => {
    expect(planTick(hourly, "once", start + 1, start + 2)).toEqual({
      missed: [],
      moreMissed: false,
      nextDueAt: start + hour,
    });
  });
});

const timings = fc.constantFrom<Timing>(
  { everyMs: 5_000 },
  { everyMs: 7 * minute },
  hourly,
  { cron: "*/10 * * * *", timeZone: "Europe/Berlin" },
  { cron: "30 2 * * *", timeZone: "America/New_York" },
);
const policies = fc.constantFrom<MissedPolicy>("skip", "once");

describe("L13 plans, properties", () => {
  test("from plan to plan every due time is fired or missed, once, and in order", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3 * hour }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(timings, policies, fc.integer({ min: 0, max: 300 * 24 }), gaps, (timing, policy, hours, waits) => {
        let now = start + hours * hour;
        let due = nextDue(timing, now);
        const seen: number[] = [];
        const all: number[] = [];
        for (const wait of waits) {
          now += wait;
          if (due === undefined || due > now) continue;
          const first: number = due;
          const plan = planTick(timing, policy, first, now);
          const handled = [...plan.missed, ...(plan.dueAt === undefined ? [] : [plan.dueAt])];
          seen.push(...handled);
          for (let each: number | undefined = first; each !== undefined && each <= now; each = nextDue(timing, each)) {
            if (!plan.moreMissed || each >= (handled[0] ?? 0)) all.push(each);
          }
          if (policy === "once") expect(plan.dueAt).toBe(lastDue(timing, now));
          expect(plan.nextDueAt).toBeGreaterThan(now);
          due = plan.nextDueAt;
        }
        expect(seen).toEqual(all);
      }),
      { numRuns: 300 },
    );
  });
});
