import { describe, expect, test } from "vitest";
import type { JobContext } from "./context.ts";
import { validatedInput } from "./input.ts";
import { limits } from "./limits.ts";
import { defineSchedule, isSchedule, type ScheduleContext, type TickInput } from "./schedule.ts";
import { defineJob } from "./definition.ts";

const run = (): void => undefined;
const told = (input: TickInput): JobContext<TickInput> => ({ input }) as JobContext<TickInput>;
const big = (length: number) => defineSchedule<string>("s", { every: "5s", run: () => "x".repeat(length) });

describe("L13 definitions", () => {
  test("a schedule is a job with one attempt; shards, overlap and missed have defaults", () => {
    const schedule = defineSchedule("s", { every: "5s", queue: "q", priority: 3, timeout: "9s", run });
    expect(schedule).toMatchObject({
      name: "s",
      queue: "q",
      priority: 3,
      timeoutMs: 9_000,
      attempts: 1,
      lane: "short",
    });
    expect(schedule.schedule).toEqual({ timing: { everyMs: 5_000 }, shards: 1, runsMax: 1, missed: "skip" });
    expect(isSchedule(schedule)).toBe(true);
    expect(isSchedule(defineJob("j", { run }))).toBe(false);
    const other = defineSchedule("o", { cron: "0 3 * * *", shards: 4, overlap: "allow", missed: "once", run });
    expect(other.schedule).toEqual({
      timing: { cron: "0 3 * * *", timeZone: "UTC" },
      shards: 4,
      runsMax: limits.overlapRunsMax,
      missed: "once",
    });
  });

  test("wrong options are refused with their value", () => {
    const every = "5s";
    expect(() => defineSchedule("s", { every, shards: 0, run })).toThrow('shards of schedule "s" is 0');
    expect(() => defineSchedule("s", { every, shards: limits.scheduleShardsMax + 1, run })).toThrow("65");
    expect(() => defineSchedule("s", { every, overlap: "maybe" as "skip", run })).toThrow(
      'overlap of schedule "s" is "maybe"',
    );
    expect(() => defineSchedule("s", { every, missed: "all" as "skip", run })).toThrow(
      'missed of schedule "s" is "all"',
    );
    expect(() => defineSchedule("s", { every, run: 1 as unknown as typeof run })).toThrow("no run()");
    expect(() => defineSchedule("", { every, run })).toThrow("job name");
  });

  test("a run is told its cursor, shard and due time; before the first processed run the cursor is `first`", async () => {
    const seen: unknown[] = [];
    const schedule = defineSchedule("s", {
      every: "5s",
      first: 10,
      run: ({ cursor, shard, shards, due }: ScheduleContext<number>) => {
        seen.push([cursor, shard, shards, due.toISOString()]);
        return cursor + 1;
      },
    });
    expect(await schedule.run(told({ shard: 1, shards: 2, due: 0 }))).toBe(11);
    expect(await schedule.run(told({ shard: 0, shards: 2, due: 5_000, cursor: 11 }))).toBe(12);
    expect(seen).toEqual([
      [10, 1, 2, "1970-01-01T00:00:00.000Z"],
      [11, 0, 2, "1970-01-01T00:00:05.000Z"],
    ]);
  });

  test("L14 a cursor has a limit, named with its value", async () => {
    const context = { input: { shard: 0, shards: 1, due: 0 } };
    await expect(big(limits.cursorBytesMax - 2).run(context)).resolves.toHaveLength(limits.cursorBytesMax - 2);
    await expect(big(limits.cursorBytesMax - 1).run(context)).rejects.toMatchObject({
      code: "payload_too_large",
      message: expect.stringContaining(`${limits.cursorBytesMax + 1} bytes`),
    });
  });

  test("a schedule's job takes no other input than the clock's", () => {
    const schedule = defineSchedule("s", { every: "5s", run });
    expect(() => validatedInput(schedule, { shard: 0 })).toThrow(expect.objectContaining({ code: "invalid_input" }));
    expect(validatedInput(schedule, { shard: 0, shards: 1, due: 5, cursor: null })).toMatchObject({
      due: 5,
    });
  });

  test("nobody but the clock makes a run: the types let no one enqueue it", () => {
    const schedule = defineSchedule("s", { every: "5s", first: 1, run: ({ cursor }) => cursor + 1 });
    // @ts-expect-error -- its input is the clock's
    expect(schedule.with({ shard: 0, shards: 1, due: 0 }).definition.name).toBe("s");
  });
});
