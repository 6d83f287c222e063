import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { defineJob, limits, typed } from "../../src/index.ts";
import { jobIn, managed, signal, store, untilAborted } from "./harness.ts";

describe("order and slots", () => {
  test("L1: higher priority first, then fewer attempts used, then the lower id", async () => {
    const ran: string[] = [];
    const job = defineJob("job", {
      input: typed<string>(),
      backoff: 0,
      run: ({ input, attempt }) => {
        if (input === "used" && attempt === 1) throw new RangeError("uses an attempt");
        ran.push(input);
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job], slots: { short: 1 } });
    await manager.enqueueMany([
      // 100 × 29/30 = 96 after its first attempt: equal to those with 96 by then, with more attempts used.
      job.with("used"),
      job.with("low", { priority: 10 }),
      job.with("first", { priority: 96 }),
      job.with("second", { priority: 96 }),
      job.with("high", { priority: 99 }),
    ]);
    await manager.start();
    await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", 5);
    expect(ran).toEqual(["high", "first", "second", "used", "low"]);
  });

  test("L8: a full long lane does not hold up a short job", async () => {
    const hold = signal();
    const long = defineJob("long", { lane: "long", run: () => hold.promise });
    const short = defineJob("short", { run() {} });
    const { manager, witness } = managed({ transporter: await store(), jobs: [long, short], slots: { long: 1 } });
    await manager.enqueueMany([long.with(), long.with()]);
    await manager.start();
    await witness.until("attempt.started", ({ name }) => name === "long");
    const { id } = await manager.enqueue(short);
    await witness.settled(id, "processed");
    expect(witness.events.filter((event) => event.event === "attempt.started" && event.name === "long")).toHaveLength(
      1,
    );
    hold.resolve();
    await witness.until("attempt.settled", ({ name }) => name === "long", 2);
  });

  test("L8: a lane never runs more than its slots, and uses all of them", async () => {
    const running = { short: 0, long: 0 };
    const most = { short: 0, long: 0 };
    const jobs = (["short", "long"] as const).map((lane) =>
      defineJob(lane, {
        lane,
        run: async () => {
          running[lane] += 1;
          most[lane] = Math.max(most[lane], running[lane]);
          for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          running[lane] -= 1;
        },
      }),
    );
    const { manager, witness } = managed({ transporter: await store(), jobs, slots: { short: 5, long: 2 } });
    await manager.enqueueMany(jobs.flatMap((job) => Array.from({ length: 30 }, () => job.with())));
    await manager.start();
    await witness.until("attempt.settled", () => true, 60);
    expect(most).toEqual({ short: 5, long: 2 });
  });

  test("more queues than slots: each has its turn", async () => {
    const jobs = ["a", "b", "c"].map((queue) => defineJob(queue, { queue, run() {} }));
    const { manager, witness } = managed({ transporter: await store(), jobs, slots: { short: 1 } });
    await manager.enqueueMany(jobs.flatMap((job) => [job.with(), job.with(), job.with()]));
    await manager.start();
    const ran = await witness.until("attempt.started", () => true, 9);
    expect(new Set(ran.slice(0, 3).map(({ name }) => name))).toEqual(new Set(["a", "b", "c"]));
    await witness.until("attempt.settled", () => true, 9);
  });
});

describe("ends of attempts", () => {
  test("a result is kept; the handler knows its job, attempt, fence and idempotency key", async () => {
    const keys: string[] = [];
    const job = defineJob("job", {
      input: typed<{ n: number }>(),
      attempts: 3,
      backoff: 0,
      run: ({ input, attempt, attemptsLeft, fence, idempotencyKey, jobId, flowId }) => {
        keys.push(idempotencyKey);
        if (attempt === 1) throw new RangeError("once");
        return { n: input.n + 1, attempt, attemptsLeft, fence, jobId, inFlow: flowId !== undefined };
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id, state } = await manager.enqueue(job, { n: 1 });
    await witness.settled(id, "processed");
    expect(state).toBe("added");
    const result: unknown = JSON.parse((await jobIn(manager, id)).result ?? "");
    expect(result).toEqual({ n: 2, attempt: 2, attemptsLeft: 1, fence: 2, jobId: id, inFlow: false });
    expect(keys[0]).toBe(keys[1]);
  });

  test("L4: an error costs an attempt and priority; a defer costs nothing", async () => {
    const failing = defineJob("failing", {
      backoff: "1h",
      run: () => {
        throw new RangeError("not today");
      },
    });
    const deferring = defineJob("deferring", { run: ({ defer }) => defer({ after: "1h" }) });
    const { manager, witness } = managed({ transporter: await store(), jobs: [failing, deferring] });
    await manager.start();
    const failed = await manager.enqueue(failing);
    const deferred = await manager.enqueue(deferring);
    await witness.settled(failed.id, "retry");
    await witness.settled(deferred.id, "defer");
    expect(await jobIn(manager, failed.id)).toMatchObject({ status: "delayed", attemptsUsed: 1, priority: 96 });
    expect(await jobIn(manager, deferred.id)).toMatchObject({ status: "delayed", attemptsUsed: 0, priority: 100 });
    const [attempt] = await manager.attempts(failed.id);
    expect(attempt).toMatchObject({ cause: "error", priorityBefore: 100, priorityAfter: 96, claimedBy: manager.id });
    expect(attempt?.failure?.message).toBe("not today");
  });

  test("L10: the budget's last attempt fails the job; every attempt's error is kept", async () => {
    const thrown = ["text", null, { code: "E_OWN", message: "own" }];
    const job = defineJob("job", {
      attempts: 3,
      backoff: 1,
      run: ({ attempt }) => {
        throw thrown[attempt - 1];
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "failed");
    expect(await jobIn(manager, id)).toMatchObject({
      status: "failed",
      attemptsUsed: 3,
      failure: { code: "attempts_exhausted", details: { last: { code: "E_OWN", message: "own" } } },
    });
    const kept = await manager.attempts(id);
    expect(kept.map(({ failure }) => failure?.message)).toEqual([
      "text",
      "a thrown null, not an Error: throw an Error to have its message kept",
      expect.stringContaining("own"),
    ]);
  });

  test("L10: fail ends the job at once, returned or thrown; details reach the failure", async () => {
    const job = defineJob("job", {
      input: typed<boolean>(),
      run: ({ input, fail }) => {
        const end = fail(Object.assign(new RangeError("no such image"), { code: "no_image", details: { image: "x" } }));
        if (input) throw end;
        return end;
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    for (const thrown of [true, false]) {
      const { id } = await manager.enqueue(job, thrown);
      await witness.settled(id, "failed");
      expect((await jobIn(manager, id)).failure).toMatchObject({ code: "no_image", details: { image: "x" } });
    }
  });

  test("mistakes in handlers are told, not swallowed", async () => {
    const forgets = defineJob("forgets", {
      attempts: 1,
      run: ({ release }) => {
        release({ after: "1s" });
      },
    });
    const notJson = defineJob("not-json", { run: () => 5n });
    const tooLarge = defineJob("too-large", { run: () => "x".repeat(limits.payloadBytesMax) });
    const wrongDelay = defineJob("wrong-delay", { attempts: 1, run: ({ release }) => release({ after: -1 }) });
    const { manager, witness } = managed({
      transporter: await store(),
      jobs: [forgets, notJson, tooLarge, wrongDelay],
    });
    await manager.start();
    const ids: string[] = [];
    for (const job of [forgets, notJson, tooLarge, wrongDelay]) ids.push((await manager.enqueue(job.with())).id);
    await witness.until("attempt.settled", ({ outcome }) => outcome === "failed", 4);
    const failures = await Promise.all(ids.map(async (id) => (await jobIn(manager, id)).failure?.message));
    expect(failures[0]).toContain('made a "released" end and did not return it');
    expect(failures[1]).toContain("is no JSON");
    expect(failures[2]).toContain("limits.payloadBytesMax");
    expect(failures[3]).toContain("after is -1");
  });

  test("a copy of what a handler gets is whole, as those make who hand it on with something of their own", async () => {
    const told: unknown[] = [];
    const job = defineJob("job", {
      run: (context) => {
        const { release, signal: aborted, semaphore, log, db } = { ...context, db: "mine" };
        log("copied");
        told.push(db, aborted.aborted, typeof semaphore("one", { scope: "manager" }).use);
        return release({ after: "1h" });
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "retry");
    expect(told).toEqual(["mine", false, "function"]);
    expect(witness.events).toContainEqual(expect.objectContaining({ event: "job.log", message: "copied" }));
  });

  test("what a handler gets can be printed: nothing of its manager is in it", async () => {
    let printed = "";
    const job = defineJob("job", { run: (context) => void (printed = inspect(context, { depth: Infinity })) });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "processed");
    expect(printed).toContain(`Symbol(host): { jobId: '${id}', name: 'job', fence: 1 }`);
    expect(printed).not.toMatch(/transporter|hosting|definition/);
  });

  test("input that no longer fits its schema is an error of the attempt that shows no input", async () => {
    const transporter = await store();
    const { manager } = managed({ transporter });
    const { id } = await manager.enqueue(defineJob("job", { input: typed<string>(), run() {} }), "hunter2");
    const newer = defineJob("job", { attempts: 30, backoff: "1h", run() {} });
    const { manager: second, witness } = managed({ transporter, jobs: [newer] });
    await second.start();
    await witness.settled(id, "retry");
    const [attempt] = await second.attempts(id);
    expect(attempt?.failure?.code).toBe("invalid_input");
    expect(JSON.stringify([attempt, witness.events])).not.toContain("hunter2");
  });
});

describe("L9 time", () => {
  test("at the timeout the signal aborts; the error that follows is the timeout's", async () => {
    const job = defineJob("job", { timeout: 20, backoff: "1h", run: ({ signal: aborted }) => untilAborted(aborted) });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "retry");
    expect(await jobIn(manager, id)).toMatchObject({ status: "delayed", attemptsUsed: 1 });
    expect(await manager.attempts(id)).toMatchObject([{ cause: "timeout", failure: { code: "attempt_timed_out" } }]);
  });

  test("an inline handler that ignores its timeout keeps its lease, is reported, and its end counts", async () => {
    const hold = signal();
    const job = defineJob("job", { timeout: 20, run: () => hold.promise });
    const transporter = await store();
    const { manager, witness } = managed({ transporter, jobs: [job], lease: 150 });
    const renewedTo: number[] = [];
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.stuck", ({ reason }) => reason === "timeout");
    const { startedAt = 0 } = await jobIn(manager, id);
    // Renewed past its first lease.
    while ((renewedTo.at(-1) ?? 0) < startedAt + 450) renewedTo.push((await jobIn(manager, id)).leaseUntil ?? 0);
    expect(await jobIn(manager, id)).toMatchObject({ status: "in_progress", fence: 1 });
    hold.resolve();
    await witness.settled(id, "processed");
  });
});

describe("cancel", () => {
  test("of a running job: its signal aborts at once and it ends cancelled", async () => {
    const job = defineJob("job", { run: ({ signal: aborted }) => untilAborted(aborted) });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await expect(manager.cancel(id, { reason: "no longer wanted" })).resolves.toEqual([{ state: "requested" }]);
    await witness.settled(id, "cancelled");
    expect(await jobIn(manager, id)).toMatchObject({ status: "cancelled", failure: { code: "cancelled" } });
  });

  test("by another manager: a release meanwhile becomes cancelled, processed wins", async () => {
    const transporter = await store();
    const hold = signal();
    const releases = defineJob("releases", {
      run: async ({ release }) => {
        await hold.promise;
        return release({ after: "1h" });
      },
    });
    const processes = defineJob("processes", { run: () => hold.promise });
    const { manager, witness } = managed({ transporter, jobs: [releases, processes], lease: 30_000 });
    const { manager: other } = managed({ transporter });
    await manager.start();
    const released = await manager.enqueue(releases);
    const processed = await manager.enqueue(processes);
    await witness.until("attempt.started", () => true, 2);
    await other.cancel([released.id, processed.id]);
    hold.resolve();
    await witness.settled(released.id, "cancelled");
    await witness.settled(processed.id, "processed");
    expect(witness.events).not.toContainEqual(expect.objectContaining({ event: "attempt.aborted" }));
  });

  test("by another manager: the next renewal tells the one that runs it", async () => {
    const transporter = await store();
    const job = defineJob("job", { run: ({ signal: asked }) => untilAborted(asked) });
    const { manager, witness } = managed({ transporter, jobs: [job], lease: 3_000 });
    const { manager: other } = managed({ transporter });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await expect(other.cancel(id)).resolves.toEqual([{ state: "requested" }]);
    await witness.until("attempt.aborted", ({ reason }) => reason === "cancel");
    await witness.settled(id, "cancelled");
  });

  test("of waiting jobs and unknown ones", async () => {
    const job = defineJob("job", { run() {} });
    const { manager } = managed({ transporter: await store(), jobs: [job] });
    const { id } = await manager.enqueue(job, undefined, { after: "1h" });
    await expect(manager.cancel([id, "999"])).resolves.toEqual([
      { state: "applied" },
      { state: "refused", status: "unknown" },
    ]);
    await expect(manager.cancel(id)).resolves.toEqual([{ state: "refused", status: "cancelled" }]);
    await expect(manager.cancel("1; DROP TABLE")).rejects.toMatchObject({ code: "invalid_options" });
  });
});
