import { describe, expect, test } from "vitest";
import { JobsError, limits, type MinuteRow, type NewLogLine } from "../../src/index.ts";
import type { ManagerEvent } from "../../src/manager/events.ts";
import { LogKeeper } from "../../src/manager/log-keeper.ts";
import { MinuteKeeper } from "../../src/manager/minute-keeper.ts";
import type { Applied } from "../../src/manager/settler.ts";
import { claimOf } from "./claims.ts";
import { FakeClock } from "./fake-clock.ts";

const away = new JobsError("store_unavailable", "away");
const minuteMs = 60_000;
/** Of the store, when the manager's clock says 0: in the middle of a minute. */
const epoch = 1_000_000 * minuteMs + 30_000;

function kept() {
  const clock = new FakeClock();
  const lines: NewLogLine[] = [];
  const events: ManagerEvent[] = [];
  const state = { away: false, calls: 0 };
  const add = async (more: readonly NewLogLine[]): Promise<void> => {
    state.calls += 1;
    if (state.away) throw away;
    lines.push(...more);
  };
  const log = (event: ManagerEvent): void => void events.push(event);
  const keeper = new LogKeeper({ transporter: { logs: { add, read: async () => [] } }, clock, random: () => 1, log });
  keeper.start();
  return { clock, keeper, lines, state };
}

describe("LogKeeper", () => {
  const attempt = { jobId: "1", name: "work", fence: 1 };

  test("L15 lines are numbered by attempt and handed over together, with how long ago they were told", async () => {
    const { clock, keeper, lines, state } = kept();
    await clock.advance(10);
    keeper.told(attempt, "log", "one", { a: 1 });
    await clock.advance(100);
    keeper.told({ ...attempt, fence: 2 }, "stderr", "other");
    keeper.told(attempt, "log", "two", {});
    expect(lines).toEqual([]);
    await clock.advance(1_000);
    expect(lines).toEqual([
      { jobId: "1", fence: 1, line: 1, agoMs: 500, stream: "log", message: "one", fields: '{"a":1}' },
      { jobId: "1", fence: 2, line: 1, agoMs: 400, stream: "stderr", message: "other" },
      { jobId: "1", fence: 1, line: 2, agoMs: 400, stream: "log", message: "two" },
    ]);
    const { calls } = state;
    await clock.advance(5_000);
    expect(state.calls).toBe(calls);
    await keeper.stop();
  });

  test("L14 the first lines of an attempt are kept, each to its bound; what no store takes is replaced", async () => {
    const { clock, keeper, lines } = kept();
    for (let line = 0; line < limits.logLinesMax + 5; line += 1) keeper.told(attempt, "log", `${line}`);
    keeper.told({ ...attempt, jobId: "2" }, "log", `a\0b\ud800${"x".repeat(10_000)}`, { circle: BigInt(1) });
    await clock.advance(5_000);
    expect(lines).toHaveLength(limits.logLinesMax + 1);
    const last = lines.at(-1);
    expect(last?.message.slice(0, 4)).toBe("a\uFFFDb\uFFFD");
    expect(last?.message).toHaveLength(limits.logLineBytesMax);
    expect(last).not.toHaveProperty("fields");
    await keeper.stop();
  });

  test("L15 what is told while the store is away comes when it is back; what is left at the stop is handed over", async () => {
    const { clock, keeper, lines, state } = kept();
    state.away = true;
    keeper.told(attempt, "log", "one");
    await clock.advance(10_000);
    keeper.told(attempt, "log", "two");
    expect(lines).toEqual([]);
    state.away = false;
    await clock.advance(10_000);
    expect(lines.map(({ message }) => message)).toEqual(["one", "two"]);
    keeper.told(attempt, "log", "three");
    await keeper.stop();
    expect(lines.map(({ message }) => message)).toEqual(["one", "two", "three"]);
  });
});

describe("MinuteKeeper", () => {
  async function counting({ leads = false } = {}) {
    const clock = new FakeClock();
    /** As the store keeps them: the last put counts. */
    const rows = new Map<string, MinuteRow>();
    const levels: number[] = [];
    const state = { away: false, puts: 0, skewMs: 0 };
    const put = async (_manager: string, more: readonly MinuteRow[], level?: number): Promise<void> => {
      if (state.away) throw away;
      state.puts += 1;
      for (const row of more) rows.set(`${row.minute} ${row.queue} ${row.name}`, row);
      if (level !== undefined) levels.push(level);
    };
    const keeper = new MinuteKeeper({
      transporter: {
        minutes: { put, read: async () => ({ rows: [], levels: [] }) },
        now: async () => epoch + clock.now() + state.skewMs,
      },
      manager: "m",
      leader: { leads },
      clock,
      random: () => 1,
      log: () => undefined,
    });
    await keeper.start();
    const count = (outcome: Applied["outcome"], name = "work", waitMs = 0, runMs = 0): void => {
      const job = { ...claimOf({ name }), queue: "q", readyAt: epoch + clock.now() - runMs - waitMs };
      keeper.count([{ job, outcome, startedAt: clock.now() - runMs }]);
    };
    return { clock, keeper, rows, levels, state, count };
  }
  const processed = { kind: "processed" } as const;
  const failure = { code: "x", message: "y" };
  const failed = { kind: "failed", cause: "error", attemptsUsed: 1, crashes: 0, errors: 1, failure } as const;
  const back = { kind: "retry", delayMs: 0, priority: 1, attemptsUsed: 1, crashes: 0, errors: 1 } as const;
  const first = epoch - 30_000;

  test("L15 ends are counted by minute and name, waits and runs in their steps; what was never tried is not", async () => {
    const { clock, keeper, rows, count } = await counting();
    await clock.advance(1_000);
    count(processed, "work", 1_000, 8);
    count(failed, "work", 0, 1);
    count({ ...back, cause: "error" }, "work", 0, 1);
    count({ ...back, cause: "released" }, "work", 0, 1);
    count({ kind: "defer", delayMs: 0 }, "idle");
    count({ kind: "cancelled", failure }, "other");
    await clock.advance(minuteMs);
    count(processed);
    await keeper.stop();
    expect([...rows.values()]).toEqual([
      {
        minute: first,
        name: "work",
        queue: "q",
        processed: 1,
        failed: 1,
        cancelled: 0,
        retried: 1,
        waits: "0:3 40:1",
        runs: "0:3 12:1",
      },
      {
        minute: first,
        name: "other",
        queue: "q",
        processed: 0,
        failed: 0,
        cancelled: 1,
        retried: 0,
        waits: "0:1",
        runs: "0:1",
      },
      {
        minute: first + minuteMs,
        name: "work",
        queue: "q",
        processed: 1,
        failed: 0,
        cancelled: 0,
        retried: 0,
        waits: "0:1",
        runs: "0:1",
      },
    ]);
  });

  test("L15 what ends while the store is away is counted when it is back, in its own minute; nothing is put twice for nothing", async () => {
    const { clock, keeper, rows, state, count } = await counting();
    count(processed);
    await clock.advance(6_000);
    const { puts } = state;
    await clock.advance(12_000);
    expect(state.puts).toBe(puts);
    state.away = true;
    count(processed);
    await clock.advance(3 * minuteMs);
    count(processed);
    state.away = false;
    await clock.advance(20_000);
    await keeper.stop();
    expect([...rows.values()].map(({ minute, processed: n }) => [minute - first, n])).toEqual([
      [0, 2],
      [3 * minuteMs, 1],
    ]);
  });

  test("L15 a store's clock that goes back does not bring a minute back that was handed over", async () => {
    const { clock, keeper, rows, state, count } = await counting();
    count(processed);
    count(processed);
    await clock.advance(minuteMs);
    state.skewMs = -2 * minuteMs;
    await clock.advance(10_000);
    count(processed);
    await keeper.stop();
    expect([...rows.values()].map(({ minute, processed: n }) => [minute - first, n])).toEqual([
      [0, 2],
      [minuteMs, 1],
    ]);
  });

  test("L15 the leader notes how many jobs there are at the end of each minute, nobody else does", async () => {
    const leader = await counting({ leads: true });
    await leader.clock.advance(2 * minuteMs);
    expect(leader.levels).toEqual([first, first + minuteMs]);
    const other = await counting();
    await other.clock.advance(2 * minuteMs);
    expect(other.levels).toEqual([]);
    await leader.keeper.stop();
    await other.keeper.stop();
  });

  test("L14 names above the bound are counted together", async () => {
    const { keeper, rows, count } = await counting();
    for (let name = 0; name < limits.minuteRowsMax + 10; name += 1) count(processed, `name-${name}`);
    await keeper.stop();
    expect(rows.size).toBe(limits.minuteRowsMax + 1);
    expect([...rows.values()].find(({ name }) => name === "(others)")?.processed).toBe(10);
  });
});
