import { describe, expect, test } from "vitest";
import { defineJob, flow, typed } from "../../src/index.ts";
import { jobIn, managed, signal, stoppedAfter, store, temporaryFolder } from "./harness.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { join } from "node:path";

const run = (): void => undefined;

describe("queues by hand", () => {
  test("L2: a paused queue starts nothing, on any manager; resumed, its jobs run at once", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const [here, there] = [stoppedAfter(sqlite(path)), stoppedAfter(sqlite(path))];
    const held = defineJob("held", { queue: "held", run });
    const free = defineJob("free", { run });
    const { manager } = managed({ transporter: here, jobs: [] });
    const { manager: worker, witness } = managed({ transporter: there, jobs: [held, free], poll: 60_000 });
    await manager.start();
    await manager.queues.pause("held");
    await worker.start();
    const { id } = await manager.enqueue(held);
    const other = await manager.enqueue(free);
    await witness.settled(other.id, "processed");
    expect((await jobIn(manager, id)).status).toBe("queued");
    await manager.queues.resume("held");
    await witness.settled(id, "processed");
    expect(await manager.queues.get("held")).toMatchObject({ paused: false, weight: 1 });
  });

  test("L6, L15: a held job waits until it is unheld, its flow behind it, and why says so; a release of what runs is held", async () => {
    const begun = signal();
    const go = signal();
    const first = defineJob("first", {
      async run({ attempt, release }) {
        begun.resolve();
        await go.promise;
        return attempt === 1 ? release({ after: 0 }) : undefined;
      },
    });
    const then = defineJob("then", { run });
    const { manager, witness } = managed({ transporter: await store(), jobs: [first, then] });
    await manager.start();
    const { id, jobIds } = await manager.enqueue(flow(first).then(then));
    const [one = "", two = ""] = jobIds;
    await begun.promise;
    expect(await manager.hold(one)).toEqual([{ state: "applied" }]);
    expect((await manager.why(one))?.sentence).toMatch(
      /^is running for .*, held by hand from its end on \(attempt 1 of/,
    );
    go.resolve();
    await witness.settled(one, "retry");
    expect((await manager.why(one))?.sentence).toMatch(/^is held by hand since 2\S+Z; it is queued otherwise/);
    expect((await manager.why(two))?.sentence).toMatch(
      /^waits for stage 1 of 2: first \(attempt 2 of 30, held by hand\)$/,
    );
    expect(await manager.runNow(one)).toEqual([{ state: "refused", status: "queued", why: "held" }]);
    expect(await manager.unhold(one)).toEqual([{ state: "applied" }]);
    expect((await manager.flowFinished(id)).status).toBe("processed");
  });

  test("L14: limitKey of the definition and of the call; at most so many of a key run on two managers", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    let running = 0;
    let most = 0;
    const work = defineJob("work", {
      input: typed<{ account: string }>(),
      limitKey: ({ account }) => account,
      async run() {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
    });
    const managers = [0, 1].map(() => managed({ transporter: stoppedAfter(sqlite(path)), jobs: [work] }));
    for (const { manager } of managers) await manager.start();
    const [first] = managers;
    await first!.manager.queues.configure("default", { keyConcurrency: 2 });
    const added = await first!.manager.enqueueMany([
      ...Array.from({ length: 20 }, () => work.with({ account: "a" })),
      work.with({ account: "a" }, { limitKey: "b" }),
    ]);
    expect((await jobIn(first!.manager, added[0]!.id)).limitKey).toBe("a");
    expect((await jobIn(first!.manager, added[20]!.id)).limitKey).toBe("b");
    await expect
      .poll(async () => (await first!.manager.list({ status: "processed" })).length, { timeout: 60_000 })
      .toBe(21);
    expect(most).toBeLessThanOrEqual(3);
  });

  test("L14, L15: why names a rate only while it holds the job back, and says when the next may start", async () => {
    const go = signal();
    const work = defineJob("work", { run: () => go.promise });
    const { manager, witness } = managed({ transporter: await store(), jobs: [work], slots: { short: 1 } });
    await manager.queues.configure("default", { rate: { perSecond: 0.001, burst: 2 } });
    await manager.start();
    const first = await manager.enqueue(work);
    await witness.until("attempt.started");
    const second = await manager.enqueue(work);
    const third = await manager.enqueue(work);
    // One token is left: the slot is what they wait for.
    expect((await manager.why(second.id))?.reason.kind).toBe("line");
    go.resolve();
    await manager.finished(first.id);
    await manager.finished(second.id);
    expect((await manager.why(third.id))?.sentence).toMatch(
      /^queue "default" has reached a limit: rate, 0.001 per second, next start in 1\d min$/,
    );
  });

  test("L14: a rate is kept and needs no poll", async () => {
    const work = defineJob("work", { run });
    const { manager, witness } = managed({ transporter: await store(), jobs: [work], poll: 60_000 });
    await manager.queues.configure("default", { rate: { perSecond: 20, burst: 2 } });
    await manager.enqueueMany(Array.from({ length: 8 }, () => work.with()));
    await manager.start();
    await witness.until("attempt.settled", () => true, 8);
    const jobs = await manager.list({ status: "processed" });
    const starts = jobs.map(({ startedAt = 0 }) => startedAt).toSorted((a, b) => a - b);
    expect(starts[7]! - starts[0]!).toBeGreaterThanOrEqual(((8 - 2) / 20) * 1_000 - 50);
  });

  test("L14: settings out of bounds are refused with their value", async () => {
    const { manager } = managed({ transporter: await store() });
    await expect(manager.queues.configure("q", { concurrency: 0 })).rejects.toMatchObject({ code: "invalid_options" });
    await expect(manager.queues.pause("")).rejects.toMatchObject({ code: "invalid_options" });
  });
});

describe("acts of people", () => {
  test("L5: runNow goes ahead of the lane while its slots are full, and says why it is refused", async () => {
    const gate = signal();
    const order: string[] = [];
    const work = defineJob("work", {
      input: typed<string>(),
      async run({ input }) {
        order.push(input);
        if (input === "blocker") await gate.promise;
      },
    });
    const late = defineJob("late", {
      queue: "quiet",
      input: typed<string>(),
      run: ({ input }) => void order.push(input),
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [work, late], slots: { short: 1 } });
    await manager.start();
    await manager.enqueue(work, "blocker");
    await witness.until("attempt.started");
    await manager.enqueue(work, "high", { priority: 255 });
    const directed = await manager.enqueue(late, "directed", { priority: 0, after: "1h" });
    expect(await manager.runNow(directed.id)).toEqual([{ state: "applied" }]);
    gate.resolve();
    await witness.until("attempt.settled", () => true, 3);
    expect(order).toEqual(["blocker", "directed", "high"]);
    expect(await manager.runNow(directed.id)).toEqual([{ state: "refused", status: "processed", why: "final" }]);
  });

  test("L5: forceGate is told to the log and kept with the job", async () => {
    const never = signal();
    const hangs = defineJob("hangs", { run: () => never.promise });
    const next = defineJob("next", { run });
    const { manager, witness } = managed({ transporter: await store(), jobs: [hangs, next] });
    await manager.start();
    const { jobIds } = await manager.enqueue(flow(hangs).then(next));
    const [, id = ""] = jobIds;
    expect(await manager.runNow(id)).toEqual([{ state: "refused", status: "waiting", why: "gate" }]);
    expect(await manager.forceGate(id, { by: "ada", reason: "the first one hangs" })).toEqual({ state: "applied" });
    await witness.settled(id, "processed");
    expect(await witness.until("gate.forced")).toEqual([
      { event: "gate.forced", jobId: id, by: "ada", reason: "the first one hangs" },
    ]);
    expect((await jobIn(manager, id)).gateForcedBy).toBe("ada: the first one hangs");
    never.resolve();
  });
});

describe("lanes", () => {
  test("L8: a full long lane with a long line behind it delays no short job, nor takes a slot of theirs", async () => {
    const gate = signal();
    const long = defineJob("long", { lane: "long", priority: 255, run: () => gate.promise });
    const short = defineJob("short", { priority: 0, run });
    const { manager, witness } = managed({
      transporter: await store(),
      jobs: [long, short],
      slots: { short: 2, long: 2 },
    });
    await manager.start();
    await manager.enqueueMany(Array.from({ length: 50 }, () => long.with()));
    await witness.until("attempt.started", ({ name }) => name === "long", 2);
    await manager.enqueueMany(Array.from({ length: 100 }, () => short.with()));
    await witness.until("attempt.settled", ({ name }) => name === "short", 100);
    const started = witness.events.filter((event) => event.event === "attempt.started" && event.name === "long");
    expect(started).toHaveLength(2);
    gate.resolve();
  });
});
