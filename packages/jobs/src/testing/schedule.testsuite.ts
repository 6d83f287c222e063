import { afterEach, describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import type { Fired, Tick } from "../transporters/schedules.ts";
import { Clockwork, hourly, hourMs, processed, wantedMs } from "./clockwork.ts";
import { handingCursors } from "./schedule-cursors.testsuite.ts";
import { Fixture, one, type TransporterSuite } from "./fixture.ts";

/** L13: schedules, their ticks and cursors. */
export function scheduleSuite(suite: TransporterSuite): void {
  describe(`L13 schedules: ${suite.name}`, () => {
    const store = new Fixture(suite);
    const clock = new Clockwork(store);
    // The next test's clock is its own.
    afterEach(() => clock.clear());
    defining(store, clock);
    firingTicks(store, clock);
    handingCursors(store, clock);
    byHand(store, clock);
    logging(store, clock);
  });
}

function defining(store: Fixture, clock: Clockwork): void {
  it("L13 what code says is kept: rules, the next due time, a cursor for each shard", async () => {
    const nextDueAt = await clock.define({ shards: 3, missed: "once", lane: "long", priority: 7 });
    expect(await clock.get()).toEqual({
      name: clock.name,
      timing: hourly,
      shards: 3,
      runsMax: 1,
      missed: "once",
      queue: store.queue,
      lane: "long",
      priority: 7,
      timeoutMs: 60_000,
      state: "active",
      nextDueAt,
      cursors: [undefined, undefined, undefined],
    });
  });

  it("L13 a restart keeps the due time, so that missed ticks are seen; a changed interval gets a new one", async () => {
    const first = await clock.define();
    await clock.define({ nextDueAt: first + 5 });
    expect((await clock.get()).nextDueAt).toBe(first);
    await clock.define({ timing: "other", nextDueAt: first + 7 });
    expect(await clock.get()).toMatchObject({ timing: "other", nextDueAt: first + 7 });
  });

  it("L13 cursors outlive a change of the code, those of shards taken away and given back included", async () => {
    await clock.define({ shards: 2 });
    await clock.pass(1);
    await clock.fire();
    for (const run of await clock.claim()) await clock.end(run, processed(`of ${run.id}`));
    const { cursors: before } = await clock.get();
    await clock.define({ shards: 1 });
    expect((await clock.get()).cursors).toEqual(before.slice(0, 1));
    await clock.define({ shards: 2, timing: "other" });
    expect((await clock.get()).cursors).toEqual(before);
    expect(new Set(before).size).toBe(2);
  });

  it("L13 schedules come due by the store's clock, the longest due first; until then it is told how long", async () => {
    const dueAt = await clock.define();
    const earlier = { name: store.key("earlier"), nextDueAt: dueAt - 1_000 };
    await clock.define(earlier);
    const { now, nextInMs, schedules } = await clock.schedules.due(100);
    expect([nextInMs, schedules]).toEqual([dueAt - 1_000 - now, []]);
    await clock.pass(2);
    await clock.schedules.want([earlier.name], wantedMs);
    const rules = { timing: hourly, missed: "skip", version: 0 };
    const due = await clock.schedules.due(100);
    expect(due.nextInMs).toBeUndefined();
    expect(due.schedules).toEqual([
      { ...rules, name: earlier.name, dueAt: earlier.nextDueAt },
      { ...rules, name: clock.name, dueAt },
    ]);
    expect((await clock.schedules.due(1)).schedules).toHaveLength(1);
  });

  it("L13 a schedule that nobody has in its code does not tick; it goes on where it was when somebody has again", async () => {
    await clock.define();
    store.setClock(2 * hourMs);
    expect(await clock.due()).toEqual([]);
    expect((await clock.get()).state).toBe("unwanted");
    await clock.schedules.want([clock.name, store.key("none")], wantedMs);
    expect(await clock.due()).toHaveLength(1);
    expect((await clock.get()).state).toBe("active");
  });

  it("L13 schedules are listed by name, page by page", async () => {
    const names = ["a", "B", "c"].map((name) => store.key(name));
    for (const name of names) await clock.define({ name });
    const inOrder = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const listed = await clock.schedules.list({ after: `${store.queue}:`, limit: 2 });
    expect(listed.map(({ name }) => name)).toEqual(inOrder.slice(0, 2));
    const [next] = await clock.schedules.list({ after: inOrder[1] ?? "", limit: 1 });
    expect(next?.name).toBe(inOrder[2]);
  });
}

function firingTicks(store: Fixture, clock: Clockwork): void {
  it("L13 a tick is a job for each shard, with one attempt, told its shard, due time and cursor", async () => {
    const dueAt = await clock.define({ shards: 2, priority: 9, timeoutMs: 1_234 });
    await clock.pass(1);
    const shards = await clock.fire();
    const jobs = await store.transporter.get(shards.map((shard) => (shard.state === "started" ? shard.jobId : "")));
    expect(jobs.map(({ input }) => JSON.parse(input))).toEqual([
      { shard: 0, shards: 2, due: dueAt },
      { shard: 1, shards: 2, due: dueAt },
    ]);
    for (const job of jobs) {
      expect(job).toMatchObject({ name: clock.name, status: "queued", attempts: 1, priority: 9, timeoutMs: 1_234 });
    }
    expect((await clock.get()).nextDueAt).toBe(dueAt + hourMs);
  });

  it("L13 two schedulers that both believe they lead fire the same due time at once: one tick, one run", async () => {
    await clock.define({ shards: 3 });
    await clock.pass(1);
    const [other, firing] = [await store.second(), await clock.firing()];
    other.setClockOffset(hourMs);
    const sides = [clock.schedules, other.schedules, clock.schedules, other.schedules];
    const fired: Fired[] = (await Promise.all(sides.map((side) => side.fire([firing])))).flat();
    expect(fired.map(({ state }) => state).toSorted()).toEqual(["fired", "moved", "moved", "moved"]);
    expect(await clock.claim()).toHaveLength(3);
    expect(await clock.ticks()).toHaveLength(3);
  });

  it("L13 a tick is single by (schedule, shard, due time), whatever was believed about the next", async () => {
    const dueAt = await clock.define();
    await clock.tick(1, processed());
    // As after a change of the code under a clock that was set back: the same instant is due once more.
    await clock.define({ timing: "other", nextDueAt: dueAt });
    expect(await clock.fire()).toEqual([{ shard: 0, state: "existing" }]);
    expect(await clock.claim()).toEqual([]);
    expect(await clock.outcomes()).toEqual(["processed"]);
  });

  it("L13 what was computed before a change, a pause or a removal is not fired", async () => {
    await clock.define();
    await clock.pass(1);
    const firing = await clock.firing();
    await clock.define({ shards: 2 });
    expect(await clock.schedules.fire([firing])).toEqual([{ state: "moved" }]);
    const again = await clock.firing();
    await clock.schedules.change(clock.name, { kind: "pause" });
    expect(await clock.schedules.fire([again])).toEqual([{ state: "moved" }]);
    await clock.schedules.change(clock.name, { kind: "remove" });
    expect(await clock.schedules.fire([again, firing])).toEqual([{ state: "moved" }, { state: "moved" }]);
    expect(await clock.ticks()).toEqual([]);
  });

  it("L13 a run that has not ended is not overlapped, the other shards run; the skipped tick is logged", async () => {
    await clock.define({ shards: 2 });
    await clock.pass(1);
    await clock.fire();
    const [first, second] = await clock.claim();
    await clock.end(second!, processed());
    await clock.pass(2);
    expect((await clock.fire()).map(({ state }) => state)).toEqual(["skipped", "started"]);
    await clock.end(first!, processed());
    await clock.end(one(await clock.claim()), processed());
    await clock.pass(3);
    expect((await clock.fire()).map(({ state }) => state)).toEqual(["started", "started"]);
    expect(await clock.outcomes()).toEqual(["fired", "fired", "skipped", "processed", "processed", "processed"]);
  });

  it("L13 where overlap is allowed, as many runs of a shard as that go side by side", async () => {
    await clock.define({ runsMax: 2 });
    for (const [hours, state] of [
      [1, "started"],
      [2, "started"],
      [3, "skipped"],
    ] as const) {
      await clock.pass(hours);
      expect(await clock.fire()).toMatchObject([{ shard: 0, state }]);
    }
    expect(await clock.claim()).toHaveLength(2);
  });

  it("L13 missed ticks are logged for each shard and run nothing; a firing can be of missed ones only", async () => {
    const dueAt = await clock.define({ shards: 2 });
    await clock.pass(3);
    const missed = [dueAt, dueAt + hourMs];
    const { dueAt: _none, ...missedOnly } = await clock.firing({ missed, nextDueAt: dueAt + 3 * hourMs });
    expect(await clock.schedules.fire([missedOnly])).toEqual([{ state: "fired", shards: [] }]);
    expect(await clock.claim()).toEqual([]);
    const ticks = await clock.ticks();
    expect(ticks.map((tick) => [tick.dueAt, tick.shard, tick.outcome])).toEqual([
      [dueAt + hourMs, 0, "missed"],
      [dueAt + hourMs, 1, "missed"],
      [dueAt, 0, "missed"],
      [dueAt, 1, "missed"],
    ]);
    expect((await clock.get()).nextDueAt).toBe(dueAt + 3 * hourMs);
  });

  it("L13 a schedule without a further due time rests", async () => {
    await clock.define();
    await clock.pass(1);
    const { nextDueAt: _none, ...last } = await clock.firing();
    await clock.schedules.fire([last]);
    await clock.pass(1_000);
    expect(await clock.due()).toEqual([]);
    expect((await clock.get()).nextDueAt).toBeUndefined();
  });
}

function byHand(store: Fixture, clock: Clockwork): void {
  it("L13 a run by hand is due now and leaves the clock as it was; it is not overlapped either", async () => {
    const dueAt = await clock.define({ shards: 2 });
    const now = await store.transporter.now();
    expect(await clock.schedules.fireNow(clock.name, [1])).toMatchObject([{ shard: 1, state: "started" }]);
    const run = one(await clock.claim());
    expect(JSON.parse(run.input).due).toBeGreaterThanOrEqual(now);
    expect((await clock.get()).nextDueAt).toBe(dueAt);
    await clock.pass(1);
    expect((await clock.fire()).map(({ state }) => state)).toEqual(["started", "skipped"]);
    expect(await clock.schedules.fireNow(store.key("none"))).toBeUndefined();
  });

  it("L13 a paused schedule is not due and can be run by hand; a restart does not end the pause, and what it kept back was not missed", async () => {
    const dueAt = await clock.define();
    expect(await clock.schedules.change(clock.name, { kind: "pause" })).toBe(true);
    await clock.pass(3);
    await clock.define();
    expect(await clock.due()).toEqual([]);
    expect((await clock.get()).state).toBe("paused");
    expect(await clock.schedules.fireNow(clock.name)).toMatchObject([{ state: "started" }]);
    const next = dueAt + 3 * hourMs;
    expect(await clock.schedules.change(clock.name, { kind: "resume", nextDueAt: next })).toBe(true);
    expect(await clock.get()).toMatchObject({ state: "active", nextDueAt: next });
    // Of one that is not paused it changes nothing.
    await clock.schedules.change(clock.name, { kind: "resume", nextDueAt: next + 1 });
    expect((await clock.get()).nextDueAt).toBe(next);
    expect(await clock.schedules.change(store.key("none"), { kind: "pause" })).toBe(false);
  });

  it("L13 a removed schedule is gone with its log and cursors; its run may end", async () => {
    await clock.define();
    await clock.tick(1, processed("old"));
    await clock.pass(2);
    await clock.fire();
    const run = one(await clock.claim());
    expect(await clock.schedules.change(clock.name, { kind: "remove" })).toBe(true);
    expect(await clock.schedules.change(clock.name, { kind: "remove" })).toBe(false);
    await clock.end(run, processed("too late"));
    expect(await clock.schedules.list({ name: clock.name, limit: 1 })).toEqual([]);
    expect(await clock.ticks()).toEqual([]);
    await clock.define();
    expect((await clock.get()).cursors).toEqual([undefined]);
  });
}

function logging(store: Fixture, clock: Clockwork): void {
  it("L13 each tick is logged: due, fired, started, lag, end, outcome; of a running one the start is told too", async () => {
    const dueAt = await clock.define();
    await clock.pass(1.5);
    await clock.fire();
    const run = one(await clock.claim());
    const [running] = await clock.ticks();
    const { startedAt = 0 } = await store.get(run.id);
    const common = { schedule: clock.name, shard: 0, dueAt, jobId: run.id, startedAt, lagMs: startedAt - dueAt };
    expect(running).toMatchObject({ ...common, outcome: "fired" });
    expect(running?.lagMs).toBeGreaterThanOrEqual(hourMs / 2);
    await clock.end(run, processed(1));
    const { finishedAt } = await store.get(run.id);
    expect(await clock.ticks()).toEqual([
      { ...common, outcome: "processed", firedAt: running?.firedAt, finishedAt, cursorAfter: "1" },
    ]);
  });

  it("L13 L14 the log is bounded for each shard, and read page by page", async () => {
    const dueAt = await clock.define();
    await clock.pass(2 + limits.ticksKept);
    const missed = Array.from({ length: limits.ticksKept }, (_, index) => dueAt + index * hourMs);
    const last = dueAt + limits.ticksKept * hourMs;
    await clock.fire({ missed, dueAt: last, nextDueAt: last + 5 * hourMs });
    const read = (before?: number): Promise<Tick[]> =>
      clock.schedules.ticks({
        schedule: clock.name,
        shard: 0,
        limit: 600,
        ...(before === undefined ? {} : { before }),
      });
    const page = await read();
    const rest = await read(page.at(-1)?.dueAt);
    expect([page.length, rest.length]).toEqual([600, limits.ticksKept - 600]);
    expect([page[0]?.dueAt, rest.at(-1)?.dueAt]).toEqual([last, dueAt + hourMs]);
    expect(await clock.schedules.ticks({ schedule: clock.name, shard: 1, limit: 10 })).toEqual([]);
  });
}
