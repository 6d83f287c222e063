import { describe, expect, test } from "vitest";
import { defineJob, flow, limits, typed, type FlowFailure, type Job, type JobManager } from "../../src/index.ts";
import { jobIn, managed, signal, store } from "./harness.ts";

const members = async (manager: JobManager, flowId: string): Promise<Record<string, Job["status"]>> => {
  const jobs = await manager.list({ flowId });
  return Object.fromEntries(jobs.map(({ name, status }) => [name, status]));
};

describe("L6 flows through the manager", () => {
  test("stages run one after another, members side by side, children after their parent", async () => {
    const order: string[] = [];
    const both = { left: signal(), right: signal() };
    const note = (name: string) => defineJob(name, { run: () => void order.push(name) });
    const [first, child, last] = [note("first"), note("child"), note("last")];
    // Each waits for the other: they end only when they run at the same time.
    const left = defineJob("left", {
      run: async () => {
        both.left.resolve();
        await both.right.promise;
        order.push("left");
      },
    });
    const right = defineJob("right", {
      run: async () => {
        both.right.resolve();
        await both.left.promise;
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [first, left, right, child, last] });
    await manager.start();
    const deploy = flow(first)
      .then([flow(left).then(child), right])
      .then(last);
    const { id, jobIds, state } = await manager.enqueue(deploy);
    expect([state, jobIds.length]).toEqual(["added", 5]);
    await witness.until("attempt.settled", ({ name }) => name === "last");
    expect(order).toEqual(["first", "left", "child", "last"]);
    expect(await manager.flow(id)).toMatchObject({ status: "processed" });
  });

  test("a failed stage ends the flow: later ones fail naming the job, onFailed runs with the failure", async () => {
    const told = signal<FlowFailure | undefined>();
    const create = defineJob("create", {
      input: typed<{ name: string }>(),
      run: ({ fail }) => fail(Object.assign(new RangeError("quota"), { code: "quota", details: { limit: 1 } })),
    });
    const next = defineJob("next", { run() {} });
    const report = defineJob("report", {
      input: typed<string>(),
      run: async ({ flowFailure, flowId }) => told.resolve(flowId === undefined ? undefined : await flowFailure()),
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [create, next, report] });
    await manager.start();
    const { id, jobIds } = await manager.enqueue(flow(create, { name: "web-1" }).then(next).onFailed(report, "web-1"));
    await expect(told.promise).resolves.toMatchObject({
      status: "failed",
      jobId: jobIds[0],
      failure: { code: "quota", message: "quota", details: { limit: 1 } },
    });
    await witness.until("attempt.settled", ({ name }) => name === "report");
    expect(await members(manager, id)).toMatchObject({ create: "failed", next: "failed" });
    expect((await jobIn(manager, jobIds[1] ?? "")).failure).toMatchObject({ code: "stage_failed" });
    expect(await manager.flow(id)).toMatchObject({ status: "failed", failedJobId: jobIds[0] });
  });

  test("onFailed also follows an exhausted budget and a cancel of what waits", async () => {
    const ended: string[] = [];
    const slow = defineJob("slow", { run: ({ release }) => release({ after: "1h" }) });
    const once = defineJob("once", {
      attempts: 1,
      run: () => {
        throw new RangeError("no");
      },
    });
    const report = defineJob("report", {
      run: async ({ flowFailure }) => {
        const failure = await flowFailure();
        ended.push(`${failure?.status} ${failure?.failure.code}`);
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [slow, once, report] });
    await manager.start();
    await manager.enqueue(flow(once).onFailed(report));
    await witness.until("attempt.settled", ({ name }) => name === "report");
    const { id, jobIds } = await manager.enqueue(flow(slow).onFailed(report));
    await witness.settled(jobIds[0] ?? "", "retry");
    await manager.cancel(jobIds);
    await witness.until("attempt.settled", ({ name }) => name === "report", 2);
    expect(ended).toEqual(["failed attempts_exhausted", "cancelled cancelled"]);
    expect(await manager.flow(id)).toMatchObject({ status: "cancelled" });
  });

  test("all-settled goes on past a failure; fail-fast cancels siblings that were not tried", async () => {
    const fails = defineJob("fails", { run: ({ fail }) => fail(new RangeError("no")) });
    const after = defineJob("after", { run() {} });
    const untried = defineJob("untried", { run() {} });
    const { manager, witness } = managed({ transporter: await store(), jobs: [fails, after, untried] });
    await manager.start();
    const settled = await manager.enqueue(flow([fails], { policy: "all-settled" }).then(after));
    await witness.until("attempt.settled", ({ name }) => name === "after");
    expect(await manager.flow(settled.id)).toMatchObject({ status: "processed" });
    const fast = await manager.enqueue(
      flow([fails, untried.with(undefined, { after: "1h" })], { policy: "fail-fast" }).then(after),
    );
    await witness.until("attempt.settled", ({ name }) => name === "fails", 2);
    expect(await members(manager, fast.id)).toEqual({ fails: "failed", untried: "cancelled", after: "failed" });
  });

  test("jobs enqueued by a handler come with its processed end, and only with that", async () => {
    const child = defineJob("child", { input: typed<string>(), run() {} });
    const parent = defineJob("parent", {
      input: typed<boolean>(),
      run: async ({ input, enqueue, fail }) => {
        await enqueue(child.with("one"));
        // Not awaited: the attempt waits for it all the same.
        void enqueue(flow(child, "two").then(child.with("three")));
        return input ? undefined : fail(new RangeError("no"));
      },
    });
    const wrong = defineJob("wrong", {
      attempts: 1,
      run: ({ enqueue }) => void enqueue(child.with("x".repeat(limits.payloadBytesMax))),
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [parent, child, wrong] });
    await manager.start();
    const failed = await manager.enqueue(parent, false);
    await witness.settled(failed.id, "failed");
    expect(await manager.list({ name: "child" })).toEqual([]);
    await manager.enqueue(parent, true);
    await witness.until("attempt.settled", ({ name }) => name === "child", 3);
    const refused = await manager.enqueue(wrong);
    await witness.settled(refused.id, "failed");
    expect((await jobIn(manager, refused.id)).failure?.message).toContain("limits.payloadBytesMax");
  });
});

describe("L7 release and wake", () => {
  const waits = defineJob("waits", {
    input: typed<string>(),
    run: ({ input, attempt, release }) => (attempt === 1 ? release({ after: "1h", wake: input }) : "woken"),
  });

  test("a wake makes a released job ready at once; the wait holds no slot", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [waits], slots: { short: 1 } });
    await manager.start();
    const first = await manager.enqueue(waits, "a");
    const second = await manager.enqueue(waits, "b");
    await witness.until("attempt.settled", ({ outcome }) => outcome === "retry", 2);
    await expect(manager.wake("a")).resolves.toBe(1);
    await witness.settled(first.id, "processed");
    expect(await jobIn(manager, second.id)).toMatchObject({ status: "delayed", wakeKey: "b" });
    await expect(manager.wake(["b", "b", "unknown"])).resolves.toBe(1);
    await witness.settled(second.id, "processed");
  });

  test("a wake that comes while the attempt runs, or before the job knows the key, is kept", async () => {
    const hold = signal();
    const holds = defineJob("holds", {
      run: async ({ attempt, release }) => {
        if (attempt > 1) return "woken";
        await hold.promise;
        return release({ after: "1h", wake: "holds" });
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [waits, holds] });
    await manager.start();
    await manager.wake("early");
    const early = await manager.enqueue(waits, "early");
    await witness.settled(early.id, "processed");
    const { id } = await manager.enqueue(holds, undefined, { wake: "holds" });
    await witness.until("attempt.started", ({ name }) => name === "holds");
    await expect(manager.wake("holds")).resolves.toBe(1);
    hold.resolve();
    await witness.settled(id, "processed");
  });

  test("L11: enqueue, wake and cancel join the caller's transaction: all with its commit, none with its rollback", async () => {
    const transporter = await store();
    const idle = defineJob("idle", { run() {} });
    const { manager, witness } = managed({ transporter, jobs: [waits, idle] });
    await manager.start();
    const { id } = await manager.enqueue(waits, "tx");
    await witness.settled(id, "retry");
    const delayed = await manager.enqueue(idle, undefined, { after: "1h" });
    const act = (fails: boolean): Promise<void> =>
      transporter.sql!.transaction(async (tx) => {
        await manager.enqueue(waits, "other", { tx });
        await manager.enqueue(flow(idle), { tx });
        await manager.wake("tx", { tx });
        await manager.cancel(delayed.id, { tx });
        if (fails) throw new RangeError("rolled back");
      });
    await expect(act(true)).rejects.toThrow("rolled back");
    expect(await jobIn(manager, id)).toMatchObject({ status: "delayed" });
    expect(await jobIn(manager, delayed.id)).toMatchObject({ status: "delayed" });
    expect(await manager.list()).toHaveLength(2);
    await act(false);
    await witness.settled(id, "processed");
    await witness.until("attempt.settled", ({ name }) => name === "idle");
    expect(await jobIn(manager, delayed.id)).toMatchObject({ status: "cancelled" });
    expect(await manager.list()).toHaveLength(4);
  });
});

describe("L14, L17 bounds and keys", () => {
  test("a unique key held by an unfinished job or flow adds nothing; it is free afterwards", async () => {
    const job = defineJob("job", { run() {} });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    const first = await manager.enqueue(job, undefined, { unique: "k" });
    await expect(manager.enqueue(job, undefined, { unique: "k" })).resolves.toEqual({
      id: first.id,
      state: "existing",
    });
    const deploy = flow(job, undefined, { unique: "f" });
    const { id } = await manager.enqueue(deploy);
    await expect(manager.enqueue(deploy)).resolves.toMatchObject({ id, state: "existing" });
    await manager.start();
    await witness.until("attempt.settled", () => true, 2);
    await expect(manager.enqueue(job, undefined, { unique: "k" })).resolves.toMatchObject({ state: "added" });
    await expect(manager.enqueue(deploy)).resolves.toMatchObject({ state: "added" });
    await witness.until("attempt.settled", () => true, 4);
  });

  test("enqueueMany is all or none, in order, and bounded", async () => {
    const job = defineJob("job", { input: typed<number>(), run() {} });
    const { manager } = managed({ transporter: await store(), jobs: [job] });
    const added = await manager.enqueueMany([job.with(1), flow(job, 2).then(job.with(3)), job.with(4)]);
    const ids = added.flatMap((one) => ("jobIds" in one ? one.jobIds : [one.id]));
    expect(ids).toEqual([...ids].toSorted((a, b) => Number(a) - Number(b)));
    expect(ids).toHaveLength(4);
    await expect(manager.enqueueMany([job.with(5), job.with(6, { priority: -1 })])).rejects.toMatchObject({
      code: "invalid_options",
    });
    const many = Array.from({ length: limits.enqueueJobsMax + 1 }, () => job.with(7));
    await expect(manager.enqueueMany(many)).rejects.toMatchObject({ code: "batch_too_large" });
    await expect(manager.wake(Array.from({ length: 1_001 }, (_, n) => `k${n}`))).rejects.toMatchObject({
      code: "batch_too_large",
    });
    await expect(manager.wake("")).rejects.toMatchObject({ code: "invalid_options" });
    expect(await manager.list()).toHaveLength(4);
    await expect(manager.enqueueMany([])).resolves.toEqual([]);
    await expect(manager.list({ limit: 1_001 })).rejects.toThrow("limit is 1001: give a whole number from 1 to 1000");
    await expect(manager.list({ after: "last" })).rejects.toMatchObject({ code: "invalid_options" });
  });
});

test("types: enqueue takes what the job takes, and tells jobs from flows", () => {
  const named = defineJob("named", { input: typed<{ name: string }>(), run() {} });
  const plain = defineJob("plain", { run() {} });
  // Compiled, never run.
  const calls = async (manager: JobManager): Promise<void> => {
    await manager.enqueue(plain);
    await manager.enqueue(plain, undefined, { priority: 200 });
    await manager.enqueue(named, { name: "a" }, { after: "5m", unique: "k" });
    await manager.enqueue(named.with({ name: "a" }));
    // @ts-expect-error -- input is missing
    await manager.enqueue(named);
    // @ts-expect-error -- and must be of its type
    await manager.enqueue(named, { name: 5 });
    // @ts-expect-error -- durations have units
    await manager.enqueue(named, { name: "a" }, { after: "5 minutes" });
    const added = await manager.enqueue(flow(plain));
    added.jobIds.toSorted();
    const job = await manager.enqueue(plain);
    // @ts-expect-error -- a job alone has one id
    job.jobIds.toSorted();
  };
  expect(calls).toBeTypeOf("function");
});
