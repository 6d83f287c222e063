import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { defineJob, flow, typed, type AttemptTrace, type ManagerEvent } from "../../src/index.ts";
import { jobIn, managed, signal, store } from "./harness.ts";

describe("L15 why, through the manager", () => {
  test("says which stage of how many, which job holds it, and when that is looked at again", async () => {
    const create = defineJob("create", { run() {} });
    const configure = defineJob("configure", { run: ({ release }) => release({ after: "1h" }) });
    const announce = defineJob("announce", { run() {} });
    const { manager, witness } = managed({ transporter: await store(), jobs: [create, configure, announce] });
    await manager.start();
    const { jobIds } = await manager.enqueue(flow(create).then(configure).then(announce));
    await witness.settled(jobIds[1]!, "retry");
    const why = await manager.why(jobIds[2]!);
    expect(why?.reason).toMatchObject({
      kind: "gate",
      stage: 2,
      stages: 3,
      heldBy: [{ id: jobIds[1], name: "configure", status: "delayed", attempt: 2 }],
    });
    expect(why?.sentence).toMatch(
      /^waits for stage 2 of 3: configure \(attempt 2 of 30, next look in (?:60 min|1 h)\)$/,
    );
    expect((await manager.why(jobIds[1]!))?.reason).toMatchObject({ kind: "delay" });
    expect((await manager.why(jobIds[0]!))?.reason).toMatchObject({ kind: "final", status: "processed" });
    expect(await manager.why("999999")).toBeUndefined();
  });

  test("says that nobody runs a name, and that somebody does", async () => {
    const transporter = await store();
    const known = defineJob("known", { run() {} });
    const unknown = defineJob("unknown", { run() {} });
    const onlyEnqueues = managed({ transporter }).manager;
    const { id } = await onlyEnqueues.enqueue(unknown);
    expect((await onlyEnqueues.why(id))?.reason).toEqual({
      kind: "no-worker",
      name: "unknown",
      queue: "default",
      managers: 0,
    });
    const { manager, witness } = managed({ transporter, jobs: [known] });
    await manager.start();
    // The beat comes before the end of the first job that is enqueued after it: the store takes one after the other.
    await manager.finished((await manager.enqueue(known)).id);
    await expect.poll(async () => (await manager.managers()).length).toBe(1);
    expect((await manager.why(id))?.sentence).toBe(
      'no worker for "unknown" in queue "default": none of 1 managers runs it',
    );
    await manager.stop();
    await witness.until("manager.stopped");
    expect(await manager.managers()).toEqual([]);
  });

  test("says who runs it, and that it was asked to end", async () => {
    const hold = signal();
    const job = defineJob("job", { run: () => hold.promise });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    expect((await manager.why(id))?.reason).toMatchObject({
      kind: "running",
      manager: manager.id,
      cancelRequested: false,
    });
    await manager.cancel(id);
    expect((await manager.why(id))?.reason).toMatchObject({ kind: "running", cancelRequested: true });
    hold.resolve();
    await manager.finished(id);
  });

  test("says that a queue is paused, or at its limit", async () => {
    const hold = signal();
    const job = defineJob("job", { run: () => hold.promise });
    const transporter = await store();
    const { manager, witness } = managed({ transporter, jobs: [job] });
    await transporter.queues.configure("default", { concurrency: 1 });
    await manager.start();
    await manager.enqueue(job);
    await witness.until("attempt.started");
    const { id } = await manager.enqueue(job);
    await expect.poll(async () => (await manager.managers()).length).toBe(1);
    expect((await manager.why(id))?.sentence).toBe('queue "default" has reached a limit: concurrency, 1 of 1');
    await transporter.queues.configure("default", { paused: true });
    expect((await manager.why(id))?.reason).toEqual({ kind: "paused", queue: "default" });
    await transporter.queues.configure("default", { paused: false });
    hold.resolve();
    await manager.finished(id);
  });

  test("says of an onFailed job that its flow has not failed", async () => {
    const hold = signal();
    const work = defineJob("work", { run: () => hold.promise });
    const report = defineJob("report", { run() {} });
    const { manager } = managed({ transporter: await store(), jobs: [work, report] });
    await manager.start();
    const { id } = await manager.enqueue(flow(work).onFailed(report));
    const tree = await manager.tree(id);
    expect((await manager.why(tree!.onFailed!.id))?.sentence).toBe("runs only if its flow fails; the flow is running");
    hold.resolve();
    await manager.flowFinished(id);
  });
});

describe("L15 results, progress and events", () => {
  test("a result is awaited, typed, from another manager on the store", async () => {
    const transporter = await store();
    const hold = signal();
    const add = defineJob("add", {
      input: typed<{ a: number; b: number }>(),
      run: async ({ input }) => {
        await hold.promise;
        return { sum: input.a + input.b };
      },
    });
    const { manager } = managed({ transporter, jobs: [add] });
    const other = managed({ transporter }).manager;
    await manager.start();
    const { id } = await other.enqueue(add, { a: 1, b: 2 });
    const result = other.result(add, id);
    hold.resolve();
    const { sum }: { sum: number } = await result;
    expect(sum).toBe(3);
    expect(await other.finished(id)).toMatchObject({ status: "processed" });
  });

  test("waiting ends: with the reason when there is no result, at the timeout, for an unknown id, at the stop", async () => {
    const transporter = await store();
    const bad = defineJob("bad", { run: ({ fail }) => fail(new RangeError("no such thing")) });
    const { manager } = managed({ transporter, jobs: [bad] });
    await manager.start();
    const { id } = await manager.enqueue(bad);
    await expect(manager.result(bad, id)).rejects.toMatchObject({
      code: "job_not_processed",
      message: expect.stringContaining("no such thing"),
    });
    const later = await manager.enqueue(bad, undefined, { after: "1h" });
    await expect(manager.finished(later.id, { timeout: 20 })).rejects.toMatchObject({ code: "wait_timed_out" });
    await expect(manager.finished("999999")).rejects.toMatchObject({ code: "job_not_found" });
    const waiting = expect(manager.finished(later.id)).rejects.toMatchObject({ code: "manager_stopped" });
    await manager.stop();
    await waiting;
  });

  test("a later stage reads the results of the earlier ones", async () => {
    const address = defineJob("address", {
      input: typed<number>(),
      run: ({ input }) => ({ address: `10.0.0.${input}` }),
    });
    const nothing = defineJob("nothing", { run() {} });
    const join = defineJob("join", {
      run: async ({ resultsOf }) => {
        const found = await resultsOf(address);
        return { all: found.map((each) => each.address), none: await resultsOf(nothing) };
      },
    });
    const { manager } = managed({ transporter: await store(), jobs: [address, nothing, join] });
    await manager.start();
    const { id, jobIds } = await manager.enqueue(flow([address.with(1), address.with(2), nothing]).then(join));
    await manager.flowFinished(id);
    expect(await manager.result(join, jobIds[3]!)).toEqual({ all: ["10.0.0.1", "10.0.0.2"], none: [null] });
    const alone = await manager.enqueue(join);
    expect(await manager.result(join, alone.id)).toEqual({ all: [], none: [] });
  });

  test("progress is stored, the latest of a burst, and can be read elsewhere", async () => {
    const transporter = await store();
    const hold = signal();
    let writes = 0;
    const counting = new Proxy(transporter, {
      get(target, key) {
        if (key === "sight") {
          return {
            ...target.sight,
            reportProgress: (reports: Parameters<typeof target.sight.reportProgress>[0]) => {
              writes += 1;
              return target.sight.reportProgress(reports);
            },
          };
        }
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const copy = defineJob("copy", {
      run: async ({ progress }) => {
        for (let done = 0; done <= 1_000; done += 1) progress({ done });
        await hold.promise;
      },
    });
    const { manager } = managed({ transporter: counting, jobs: [copy] });
    await manager.start();
    const { id } = await manager.enqueue(copy);
    const reader = managed({ transporter }).manager;
    await expect.poll(async () => (await reader.progress(id))?.value, { timeout: 5_000 }).toEqual({ done: 1_000 });
    expect(writes).toBe(1);
    hold.resolve();
    await manager.finished(id);
    expect((await reader.progress(id))?.value).toEqual({ done: 1_000 });
  });

  test("progress beyond its limit is the handler's error (L14)", async () => {
    const big = defineJob("big", { attempts: 1, run: ({ progress }) => progress("x".repeat(10_000)) });
    const { manager } = managed({ transporter: await store(), jobs: [big] });
    await manager.start();
    const { id } = await manager.enqueue(big);
    expect((await manager.finished(id)).failure?.message).toContain("limits.progressBytesMax");
  });

  test("events can be listened to by name, until one has heard enough, and are published for all managers", async () => {
    const job = defineJob("job", { run() {} });
    const published: ManagerEvent["event"][] = [];
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    const hear = (message: unknown): void => {
      const { manager: from, event } = message as { manager: string; event: ManagerEvent };
      if (from === manager.id) published.push(event.event);
    };
    subscribe("provost.jobs.event", hear);
    const heard: string[] = [];
    const quiet = manager.on("attempt.settled", ({ jobId, outcome }) => heard.push(`${jobId} ${outcome}`));
    manager.on("attempt.started", () => {
      throw new RangeError("a listener's own trouble");
    });
    await manager.start();
    const first = await manager.enqueue(job);
    await witness.settled(first.id, "processed");
    quiet();
    const second = await manager.enqueue(job);
    await witness.settled(second.id, "processed");
    unsubscribe("provost.jobs.event", hear);
    expect(heard).toEqual([`${first.id} processed`]);
    expect(published.filter((name) => name === "attempt.settled")).toHaveLength(2);
  });

  test("an attempt runs inside a tracing channel: a span can begin and end with it", async () => {
    const job = defineJob("traced", { input: typed<number>(), run: ({ input }) => input * 2 });
    const ended = signal<AttemptTrace>();
    const started: AttemptTrace[] = [];
    const channel = tracingChannel<unknown, AttemptTrace>("provost.jobs.attempt");
    const subscribers = {
      start: (trace: AttemptTrace) => void started.push(trace),
      asyncEnd: (trace: AttemptTrace) => {
        if (trace.name === "traced") ended.resolve(trace);
      },
      end: () => undefined,
      asyncStart: () => undefined,
      error: () => undefined,
    };
    channel.subscribe(subscribers);
    const { manager } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job, 21);
    expect(await ended.promise).toMatchObject({ jobId: id, attempt: 1, result: { kind: "processed", result: "42" } });
    channel.unsubscribe(subscribers);
    expect(started.map(({ jobId }) => jobId)).toContain(id);
    await manager.finished(id);
  });
});

describe("L10 L17 acts and keeping, through the manager", () => {
  test("L10 a failed job is retried by hand with a fresh budget, and its history stays", async () => {
    let broken = true;
    const job = defineJob("job", {
      attempts: 2,
      priority: 80,
      backoff: () => 0,
      run() {
        if (broken) throw new RangeError("broken");
        return "mended";
      },
    });
    const { manager } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    expect(await manager.finished(id)).toMatchObject({ status: "failed", attemptsUsed: 2 });
    expect((await manager.why(id))?.reason).toMatchObject({ kind: "final", noAttemptsLeft: true });
    broken = false;
    expect(await manager.retry(id)).toEqual([{ state: "applied" }]);
    expect(await manager.result(job, id)).toBe("mended");
    expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 0, priority: 80 });
    const history = await manager.attempts(id);
    expect(history.map(({ priorityBefore, priorityAfter }) => [priorityBefore, priorityAfter])).toEqual([
      [80, 40],
      [40, 40],
    ]);
    expect(await manager.retry(id)).toEqual([{ state: "refused", status: "processed" }]);
  });

  test("L6 L10 a flow goes on from its failed stage: every member that failed by itself runs again, what was processed does not", async () => {
    let broken = true;
    const runs: string[] = [];
    const step = (name: string, fails: boolean) =>
      defineJob(name, {
        attempts: 1,
        run() {
          runs.push(name);
          if (fails && broken) throw new RangeError(`${name} broke`);
        },
      });
    const [a, b, c, d, e] = [step("a", false), step("b", true), step("c", true), step("d", false), step("e", false)];
    const { manager } = managed({ transporter: await store(), jobs: [a, b, c, d, e] });
    await manager.start();
    const { id } = await manager.enqueue(
      flow(a)
        .then([flow(b).then(e), c])
        .then(d),
    );
    expect(await manager.flowFinished(id)).toMatchObject({ status: "failed" });
    broken = false;
    const results = await manager.retryFlow(id);
    expect(results).toEqual([{ state: "applied" }, { state: "applied" }]);
    expect(await manager.flowFinished(id)).toMatchObject({ status: "processed" });
    expect(runs.filter((name) => name === "a")).toHaveLength(1);
    expect(runs.slice(3).toSorted()).toEqual(["b", "c", "d", "e"]);
    const tree = await manager.tree(id);
    expect(tree?.stages.map(({ state, jobs }) => [state, jobs.map(({ job }) => job.name)])).toEqual([
      ["passed", ["a"]],
      ["passed", ["b", "c"]],
      ["passed", ["d"]],
    ]);
    expect(tree?.stages[1]?.jobs[0]?.stages[0]?.jobs[0]?.job).toMatchObject({ name: "e", status: "processed" });
  });

  test("L6 a flow is cancelled whole: nothing of it starts any more, its onFailed job runs", async () => {
    const told = signal<string>();
    const later = defineJob("later", { run() {} });
    const report = defineJob("report", {
      run: async ({ flowFailure }) => told.resolve((await flowFailure())?.status ?? "none"),
    });
    const { manager } = managed({ transporter: await store(), jobs: [later, report] });
    await manager.start();
    const whole = flow([later.with(undefined, { after: "1h" }), later.with(undefined, { after: "1h" })]).then(later);
    const { id, jobIds } = await manager.enqueue(whole.onFailed(report));
    await manager.cancelFlow(id, { reason: "not wanted" });
    expect(await manager.flowFinished(id)).toMatchObject({ status: "cancelled" });
    expect(await told.promise).toBe("cancelled");
    expect((await jobIn(manager, jobIds[0]!)).failure?.message).toBe("not wanted");
  });

  test("L1 L5 priority by hand changes who goes first; final jobs refuse", async () => {
    const order: string[] = [];
    const job = defineJob("job", { input: typed<string>(), run: ({ input }) => void order.push(input) });
    const transporter = await store();
    const { manager } = managed({ transporter, jobs: [job], slots: { short: 1 } });
    const enqueuer = managed({ transporter }).manager;
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) ids.push((await enqueuer.enqueue(job, name)).id);
    expect(await enqueuer.priority(ids[2]!, 200)).toEqual([{ state: "applied" }]);
    await expect(enqueuer.priority(ids[2]!, 256)).rejects.toMatchObject({ code: "invalid_options" });
    await manager.start();
    for (const id of ids) await manager.finished(id);
    expect(order).toEqual(["c", "a", "b"]);
    expect(await manager.priority(ids[0]!, 1)).toEqual([{ state: "refused", status: "processed" }]);
  });

  test("L17 the pruner removes what was kept long enough, by itself", async () => {
    const transporter = await store();
    const job = defineJob("job", { run() {} });
    const { manager } = managed({ transporter, jobs: [job], keep: { processed: "1h" } });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await manager.finished(id);
    await manager.stop();
    transporter.setClockOffset(2 * 3_600_000);
    const { manager: next, witness } = managed({ transporter, jobs: [job], keep: { processed: "1h" } });
    await next.start();
    expect(await witness.until("pruned")).toMatchObject([{ jobs: 1, flows: 0 }]);
    expect(await next.get(id)).toBeUndefined();
  });

  test("L17 a unique key held for a time keeps others out after the job's end", async () => {
    const transporter = await store();
    const job = defineJob("job", { run() {} });
    const { manager } = managed({ transporter, jobs: [job] });
    await manager.start();
    const unique = { key: "daily", for: "1d" } as const;
    const first = await manager.enqueue(job, undefined, { unique });
    await manager.finished(first.id);
    expect(await manager.enqueue(job, undefined, { unique })).toEqual({ id: first.id, state: "existing" });
    const deploy = await manager.enqueue(flow(job, undefined, { unique: { key: "deploy", for: "1d" } }));
    await manager.flowFinished(deploy.id);
    const again = await manager.enqueue(flow(job, undefined, { unique: "deploy" }));
    expect(again).toMatchObject({ id: deploy.id, state: "existing" });
  });

  test("L15 counts tell lines and statuses", async () => {
    const job = defineJob("job", { run() {} });
    const mail = defineJob("mail", { queue: "mail", lane: "long", run() {} });
    const { manager } = managed({ transporter: await store(), jobs: [job] });
    await manager.start();
    await manager.enqueue(mail);
    await manager.finished((await manager.enqueue(job)).id);
    expect(await manager.counts()).toMatchObject([
      { queue: "default", lane: "short", counts: { processed: 1, queued: 0 } },
      { queue: "mail", lane: "long", counts: { processed: 0, queued: 1 }, oldestWaitMs: expect.any(Number) },
    ]);
  });
});
