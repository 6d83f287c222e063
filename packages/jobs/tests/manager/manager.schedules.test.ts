import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defineJob, defineSchedule, JobsError, type JobManager, type Transporter } from "../../src/index.ts";
import { expectNoGap, killedMidTick, logOf, processedOf } from "./clockwork.ts";
import { nightWatch, walk as isolatedWalk } from "./isolated-schedules.ts";
import { managed, signal, store, temporaryFolder, Witness, withFaults } from "./harness.ts";

describe("L13 the clock", () => {
  test("ticks run, each with the cursor that the one before has left, and are logged with their lag", async () => {
    const pulse = defineSchedule("pulse", { every: 100, first: 0, run: ({ cursor }) => cursor + 1 });
    const { manager, witness } = managed({ transporter: await store(), jobs: [pulse] });
    await manager.start();
    await witness.until("attempt.settled", processedOf("pulse"), 5);
    await manager.stop();
    const ticks = (await logOf(manager, "pulse")).filter(({ outcome }) => outcome === "processed");
    expect(ticks.length).toBeGreaterThanOrEqual(5);
    for (const [index, tick] of ticks.entries()) {
      expect(tick).toMatchObject({ cursorAfter: String(index + 1) });
      expect(tick.cursorBefore).toBe(index === 0 ? undefined : String(index));
      expect(tick.lagMs).toBeGreaterThanOrEqual(0);
    }
    const [{ cursors, nextDueAt = 0 } = { cursors: [] }] = await manager.schedules.list();
    expect(cursors).toEqual([String(ticks.length)]);
    expect(nextDueAt % 100).toBe(0);
  });

  test("a run that fails leaves the cursor, and the next tick comes on time", async () => {
    const everyMs = 200;
    let failures = 0;
    const walk = defineSchedule("walk", {
      every: everyMs,
      first: 1,
      run: ({ cursor }) => {
        if (cursor === 3 && (failures += 1) <= 2) throw new RangeError("a bad page");
        return cursor + 1;
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [walk] });
    await manager.start();
    await witness.until("attempt.settled", processedOf("walk"), 4);
    await manager.stop();
    const ticks = await logOf(manager, "walk");
    expectNoGap(ticks, everyMs);
    // On a machine that is too busy for the interval a tick may be missed in between: it has no run.
    const runs = ticks.filter(({ jobId }) => jobId !== undefined);
    const bad = runs.findIndex(({ outcome }) => outcome === "failed");
    expect(runs.slice(bad, bad + 3)).toMatchObject([
      { outcome: "failed", cursorBefore: "3", cursorAfter: "3" },
      { outcome: "failed", cursorBefore: "3", cursorAfter: "3" },
      { outcome: "processed", cursorBefore: "3", cursorAfter: "4" },
    ]);
    const failed = await manager.get(runs[bad]?.jobId ?? "");
    expect(failed).toMatchObject({ status: "failed", attempts: 1, failure: { code: "attempts_exhausted" } });
  });

  test("four shards walk a list of 1,000 pages: each page once in each cycle", async () => {
    const [pages, step] = [1_000, 50];
    const visits = new Map<string, number>();
    const walk = defineSchedule("walk", {
      every: 100,
      shards: 4,
      first: { cycle: 0, page: -1 },
      run: ({ cursor: { cycle, page: from }, shard, shards }) => {
        let page = from === -1 ? shard : from;
        for (let count = 0; count < step && page < pages; count += 1, page += shards) {
          const visit = `${cycle}:${page}`;
          visits.set(visit, (visits.get(visit) ?? 0) + 1);
        }
        return page < pages ? { cycle, page } : { cycle: cycle + 1, page: shard };
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [walk] });
    await manager.start();
    const done = signal();
    witness.each("attempt.settled", () => {
      if ([0, 1, 2, 3].every((shard) => visits.has(`2:${shard}`))) done.resolve();
    });
    await done.promise;
    await manager.stop();
    for (const cycle of [0, 1]) {
      const counts = Array.from({ length: pages }, (_, page) => visits.get(`${cycle}:${page}`));
      expect(counts).toEqual(Array.from({ length: pages }, () => 1));
    }
  });

  test("a run longer than the interval is not overlapped; the ticks it covers are logged as skipped", async () => {
    const everyMs = 100;
    const held = signal();
    let [runs, most, starts] = [0, 0, 0];
    const slow = defineSchedule("slow", {
      every: everyMs,
      run: async () => {
        starts += 1;
        most = Math.max(most, (runs += 1));
        if (starts === 1) await held.promise;
        runs -= 1;
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [slow] });
    await manager.start();
    await witness.until("tick.fired", ({ shard }) => shard.state === "skipped", 3);
    held.resolve();
    await witness.until("attempt.settled", processedOf("slow"), 3);
    await manager.stop();
    const ticks = await logOf(manager, "slow");
    expectNoGap(ticks, everyMs);
    const first = ticks.findIndex(({ outcome }) => outcome === "processed");
    const second = ticks.findIndex(({ outcome }, index) => index > first && outcome === "processed");
    const covered = ticks.slice(first + 1, second).map(({ outcome }) => outcome);
    expect(covered.filter((outcome) => outcome === "skipped").length).toBeGreaterThanOrEqual(3);
    expect(ticks[second]?.startedAt).toBeGreaterThanOrEqual(ticks[first]?.finishedAt ?? Infinity);
    expect(most).toBe(1);
  });
});

describe("L13 L9 in a process of its own", () => {
  test.each([
    ["thread", isolatedWalk],
    ["process", nightWatch],
  ] as const)("a run in a %s gets its cursor and hands on the next", async (_kind, schedule) => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [schedule] });
    await manager.start();
    await manager.schedules.run(schedule.name, { shards: [1] });
    await witness.until("attempt.settled", processedOf(schedule.name), 1);
    await manager.schedules.run(schedule.name, { shards: [1] });
    await witness.until("attempt.settled", processedOf(schedule.name), 2);
    expect((await manager.schedules.get(schedule.name)).cursors).toEqual([undefined, '["1 of 2","1 of 2"]']);
    const pids = witness.events.flatMap((event) => (event.event === "job.log" ? [event.fields.pid] : []));
    expect(pids).toHaveLength(2);
    if (schedule.process === "process") expect(pids).not.toContain(process.pid);
  });
});

describe("L13 many managers", () => {
  test("kill -9 of the leader in the midst of a run: another takes over within a lease, no tick is missing or doubled", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await killedMidTick(await store(path), path);
  });

  test("two that both believe they lead make each tick once", async () => {
    const everyMs = 100;
    const path = join(temporaryFolder(), "jobs.db");
    const ran: number[] = [];
    const believer = async (): Promise<{ manager: JobManager; witness: Witness }> => {
      const transporter = await store(path);
      const leader: Transporter["leader"] = {
        campaign: async () => ({ leading: true, fence: 1 }),
        resign: async () => undefined,
      };
      const pulse = defineSchedule("pulse", {
        every: everyMs,
        shards: 2,
        run: ({ due }) => void ran.push(due.getTime()),
      });
      return managed({ transporter: withFaults(transporter, { leader }), jobs: [pulse] });
    };
    const [first, second] = [await believer(), await believer()];
    await Promise.all([first.manager.start(), second.manager.start()]);
    const either = [first, second].map(({ witness }) => witness.until("attempt.settled", processedOf("pulse"), 12));
    await Promise.race(either);
    await Promise.all([first.manager.stop(), second.manager.stop()]);
    for (const shard of [0, 1]) expectNoGap(await logOf(first.manager, "pulse", shard), everyMs);
    const ticks = (await first.manager.schedules.ticks("pulse", { limit: 1_000 })).filter(
      ({ outcome }) => outcome === "processed",
    );
    expect(ran.toSorted((a, b) => a - b)).toEqual(ticks.map(({ dueAt }) => dueAt).toSorted((a, b) => a - b));
    expect(first.witness.events.concat(second.witness.events).filter(({ event }) => event === "service.error")).toEqual(
      [],
    );
  });

  test("a leader that stops gives the seat up: another fires on", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const job = defineSchedule("shared", { every: 100, run: () => undefined });
    const first = managed({ transporter: await store(path), jobs: [job] });
    await first.manager.start();
    await first.witness.until("leader.elected");
    const second = managed({ transporter: await store(path), jobs: [job] });
    await second.manager.start();
    await first.manager.stop();
    expect(first.witness.events).toContainEqual(expect.objectContaining({ event: "leader.deposed", fence: 1 }));
    await second.witness.until("leader.elected", ({ fence }) => fence === 2);
    await second.witness.until("tick.fired");
  });

  test("a leader that is cut off from the store stops firing, and goes on when it is back", async () => {
    const transporter = await store();
    let away = false;
    const faulty = withFaults(transporter, {
      leader: {
        campaign: async (...args) => {
          if (away) throw new JobsError("store_unavailable", "the test has cut it off");
          return await transporter.leader.campaign(...args);
        },
        resign: (...args) => transporter.leader.resign(...args),
      },
    });
    const pulse = defineSchedule("pulse", { every: 100, run: () => undefined });
    const { manager, witness } = managed({ transporter: faulty, jobs: [pulse], lease: 400 });
    await manager.start();
    await witness.until("tick.fired");
    away = true;
    await witness.until("service.error", ({ service }) => service === "leader", 3);
    const fired = witness.events.filter(({ event }) => event === "tick.fired").length;
    away = false;
    await witness.until("tick.fired", () => true, fired + 2);
    await manager.stop();
    expectNoGap(await logOf(manager, "pulse"), 100);
  });
});

describe("L13 code and store", () => {
  test("a start reconciles: a changed interval, shards added; cursors stay; what is in no code any more does not tick", async () => {
    const transporter = await store();
    const old = defineSchedule("kept", { every: "1h", first: 0, run: ({ cursor }) => cursor + 1 });
    const gone = defineSchedule("gone", { every: "1h", run: () => undefined });
    const before = managed({ transporter, jobs: [old, gone] });
    await before.manager.start();
    await before.manager.schedules.run("kept");
    await before.witness.until("attempt.settled", processedOf("kept"));
    await before.manager.stop();
    const changed = defineSchedule("kept", { every: "2h", shards: 2, first: 0, run: ({ cursor }) => cursor + 1 });
    const after = managed({ transporter, jobs: [changed] });
    transporter.setClockOffset(5 * 60_000);
    await after.manager.start();
    const listed = await after.manager.schedules.list();
    expect(listed).toMatchObject([
      { name: "gone", state: "unwanted", timing: '{"everyMs":3600000}' },
      { name: "kept", state: "active", timing: '{"everyMs":7200000}', shards: 2, cursors: ["1", undefined] },
    ]);
    expect((listed[1]?.nextDueAt ?? 1) % 7_200_000).toBe(0);
  });

  test.each([
    ["once", 1],
    ["skip", 0],
  ] as const)(
    "missed ticks, policy %s: %i run for five hours without a manager, all of them logged",
    async (missed, count) => {
      const transporter = await store();
      const nightly = defineSchedule("nightly", { every: "1h", missed, run: () => undefined });
      const before = managed({ transporter, jobs: [nightly] });
      await before.manager.start();
      const { nextDueAt = 0 } = await before.manager.schedules.get("nightly");
      await before.manager.stop();
      // Half an hour past the fifth due time: longer ago than the grace.
      transporter.setClockOffset(nextDueAt - Date.now() + 4.5 * 3_600_000);
      const { manager, witness } = managed({ transporter, jobs: [nightly] });
      await manager.start();
      await witness.until("tick.missed", ({ ticks }) => ticks === 5 - count);
      await witness.until("attempt.settled", processedOf("nightly"), count);
      await manager.stop();
      const outcomes = (await logOf(manager, "nightly")).map(({ outcome }) => outcome);
      expect(outcomes).toEqual([
        ...Array.from({ length: 5 - count }, () => "missed"),
        ...(count === 1 ? ["processed"] : []),
      ]);
    },
  );

  test("by hand: run, pause over a restart, resume, remove; what is not there is told", async () => {
    const transporter = await store();
    const rare = defineSchedule("rare", {
      cron: "0 3 1 1 *",
      timeZone: "Europe/Berlin",
      shards: 3,
      run: ({ shard }) => shard,
    });
    const { manager, witness } = managed({ transporter, jobs: [rare] });
    await manager.start();
    await manager.schedules.pause("rare");
    await manager.stop();
    await manager.start();
    expect(await manager.schedules.get("rare")).toMatchObject({ state: "paused" });
    expect(await manager.schedules.run("rare", { shards: [2] })).toMatchObject([{ shard: 2, state: "started" }]);
    await witness.until("attempt.settled", processedOf("rare"));
    await manager.schedules.resume("rare");
    const { state, nextDueAt = 0, cursors } = await manager.schedules.get("rare");
    expect([state, cursors, new Date(nextDueAt).toISOString().slice(4)]).toEqual([
      "active",
      [undefined, undefined, "2"],
      "-01-01T02:00:00.000Z",
    ]);
    await expect(manager.schedules.run("rare", { shards: [3] })).rejects.toMatchObject({ code: "invalid_options" });
    await manager.schedules.remove("rare");
    for (const act of [
      () => manager.schedules.get("rare"),
      () => manager.schedules.ticks("rare"),
      () => manager.schedules.run("rare"),
      () => manager.schedules.pause("rare"),
      () => manager.schedules.resume("rare"),
      () => manager.schedules.remove("rare"),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: "unknown_schedule" });
    }
  });

  test("a manager without schedules leads as well, and gives the seat up when it stops; two of one name are refused", async () => {
    const transporter = await store();
    const job = defineJob("job", { run: () => undefined });
    const { manager, witness } = managed({ transporter, jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "processed");
    await manager.stop();
    const led = witness.events.filter(({ event }) => event.startsWith("leader"));
    expect(led.map(({ event }) => event)).toEqual(["leader.elected", "leader.deposed"]);
    expect(await transporter.leader.campaign("maintenance", "another", 1_000)).toEqual({ leading: true, fence: 2 });
    const same = defineSchedule("job", { every: "1h", run: () => undefined });
    expect(() => managed({ transporter, jobs: [job, same] })).toThrow('two jobs are named "job"');
  });
});
