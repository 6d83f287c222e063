import { describe, expect, it } from "vitest";
import { failed, failure, Fixture, one, retry, type TransporterSuite } from "./fixture.ts";

/** L5: what a directed run overrides, what it does not, and the forcing of a gate. */
export function directSuite(suite: TransporterSuite): void {
  describe(`L5 directed run: ${suite.name}`, () => directLaws(suite));
  describe(`L5 L6 forced gates: ${suite.name}`, () => forceLaws(suite));
}

function directLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  const direct = async (id: string) => one(await store.transporter.amend([id], { kind: "direct" }));

  it("L5 it goes ahead of all others of its lane, in the order of direction, past priority", async () => {
    const [high, low, lower] = await store.enqueue({ priority: 255 }, { priority: 1 }, { priority: 0 });
    expect(await direct(lower!)).toEqual({ state: "applied" });
    store.setClock(5);
    expect(await direct(low!)).toEqual({ state: "applied" });
    const claimed = await store.claim();
    expect(claimed.map(({ id }) => id)).toEqual([lower, low, high]);
    expect(claimed.map((job) => job.directed ?? false)).toEqual([true, true, false]);
  });

  it("L5 it comes out of a lane's claim whatever its queue, within what the lane asks for", async () => {
    const other = `${store.queue}-other`;
    await store.enqueue({ priority: 255 }, { priority: 255 });
    const id = await store.enqueueOne({ queue: other, priority: 0 });
    const longOne = await store.enqueueOne({ lane: "long" });
    await direct(id);
    await direct(longOne);
    const claimed = await store.claim({ limit: 2 });
    expect(claimed).toHaveLength(2);
    expect(claimed[0]?.id).toBe(id);
    expect((await store.claim({ lane: "long", limit: 1 })).map((job) => job.id)).toEqual([longOne]);
  });

  it("L5 only a manager that has its name gets it", async () => {
    const id = await store.enqueueOne({ name: "foreign" });
    await direct(id);
    expect(await store.claim()).toEqual([]);
    expect((await store.claim({ names: ["foreign"] })).map((job) => job.id)).toEqual([id]);
  });

  it("L5 it overrides delay, pause and rate", async () => {
    await store.transporter.queues.configure(store.queue, { paused: true, ratePerSecond: 0.001 });
    const [delayed, ready] = await store.enqueue({ delayMs: 60_000 }, {});
    expect(await store.claim()).toEqual([]);
    expect(await direct(delayed!)).toEqual({ state: "applied" });
    expect(await direct(ready!)).toEqual({ state: "applied" });
    expect((await store.claim()).map(({ id }) => id)).toEqual([delayed, ready]);
    const again = await store.enqueueOne({});
    await store.transporter.queues.configure(store.queue, { paused: false });
    await direct(again);
    expect((await store.claim()).map(({ id }) => id)).toEqual([again]);
  });

  it("L5 a closed gate, what runs, a final status and an unknown job refuse it with the reason", async () => {
    const [flow] = await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["work"] }, { jobs: ["work"] }]) }]);
    const [first, second] = flow!.ids;
    expect(await direct(second!)).toEqual({ state: "refused", status: "waiting", why: "gate" });
    const claimed = await store.claimOne();
    expect(await direct(first!)).toEqual({ state: "refused", status: "in_progress", why: "running" });
    await store.settle(claimed, failed());
    expect(await direct(first!)).toEqual({ state: "refused", status: "failed", why: "final" });
    expect(await direct("999999999")).toEqual({ state: "refused", status: "unknown" });
  });

  it("L5 a reached concurrency limit refuses it, the queue's and the key's", async () => {
    await store.transporter.queues.configure(store.queue, { concurrency: 2, keyConcurrency: 1 });
    const [, second, third] = await store.enqueue({ limitKey: "a", priority: 200 }, { limitKey: "a" }, {});
    const claimed = await store.claimOne();
    expect(await direct(second!)).toEqual({ state: "refused", status: "queued", why: "key-concurrency" });
    expect(await store.claim()).toHaveLength(1);
    expect(await direct(second!)).toEqual({ state: "refused", status: "queued", why: "concurrency" });
    await store.settle(claimed, { kind: "processed" });
    expect(await direct(second!)).toEqual({ state: "applied" });
    expect(third).toBeDefined();
  });

  it("L5 a limit reached after it was directed is kept, and it stays ahead", async () => {
    await store.transporter.queues.configure(store.queue, { concurrency: 1 });
    const [first, second, third] = await store.enqueue({ priority: 0 }, { priority: 0 }, { priority: 255 });
    await direct(first!);
    await direct(second!);
    const claimed = await store.claim();
    expect(claimed.map(({ id }) => id)).toEqual([first]);
    await store.settle(claimed[0]!, { kind: "processed" });
    const next = await store.claim();
    expect(next.map(({ id }) => id)).toEqual([second]);
    await store.settle(next[0]!, { kind: "processed" });
    expect((await store.claim()).map(({ id }) => id)).toEqual([third]);
  });

  it("L5 it holds for one attempt; a deferred one was none and goes ahead again", async () => {
    const [high, low] = await store.enqueue({ priority: 255 }, { priority: 0 });
    await direct(low!);
    const claimed = await store.claimOne();
    await store.settle(claimed, { kind: "defer", delayMs: 0 });
    const again = await store.claimOne();
    expect(again.id).toBe(low);
    await store.settle(again, retry({ priority: 0 }));
    expect((await store.claimOne()).id).toBe(high);
  });

  it("L5 it can join a transaction", async ({ skip }) => {
    const sql = store.sql(skip);
    const [high, low] = await store.enqueue({ priority: 255 }, { priority: 0 });
    const undone = sql.transaction(async (tx) => {
      await store.transporter.amend([low!], { kind: "direct" }, { tx });
      throw new RangeError("rolled back");
    });
    await expect(undone).rejects.toThrow("rolled back");
    expect((await store.claim()).map(({ id }) => id)).toEqual([high, low]);
  });
}

function forceLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  const force = async (id: string) =>
    one(await store.transporter.amend([id], { kind: "force-gate", by: "ada: the gate's job hangs" }));

  it("L5 a forced job starts before its gate opens, its siblings do not, and the job says who forced it", async () => {
    const [flow] = await store.transporter.enqueue([
      { flow: store.flow([{ jobs: ["work"] }, { jobs: ["work", "work"] }]) },
    ]);
    const [first, forced, sibling] = flow!.ids;
    expect(await force(forced!)).toEqual({ state: "applied" });
    expect((await store.get(forced!)).gateForcedBy).toBe("ada: the gate's job hangs");
    expect((await store.claim()).map(({ id }) => id)).toEqual([first, forced]);
    expect(await store.status(sibling!)).toBe("waiting");
  });

  it("L6 what a forced job did counts when its gate opens: the flow ends when the others have", async () => {
    const [flow] = await store.transporter.enqueue([
      { flow: store.flow([{ jobs: ["first"] }, { jobs: ["forced", "sibling"] }, { jobs: ["last"] }]) },
    ]);
    const [, forced] = flow!.ids;
    await force(forced!);
    const names = ["first", "forced", "sibling", "last"];
    const claimed = await store.claim({ names });
    const ran = claimed.find(({ id }) => id === forced);
    await store.settle(ran!, { kind: "processed" });
    await store.settle(
      claimed.find(({ id }) => id !== forced)!,
      { kind: "processed" },
    );
    expect(await store.processReady(names)).toHaveLength(1);
    expect(await store.processReady(names)).toHaveLength(1);
    expect((await store.transporter.flow(flow!.flowId!))?.status).toBe("processed");
  });

  it("L6 a forced job with children below it: its stage waits for them", async () => {
    const shape = store.flow([{ jobs: ["first"] }, { jobs: [{ job: "forced", under: [{ jobs: ["child"] }] }] }]);
    const [flow] = await store.transporter.enqueue([{ flow: shape }]);
    const [first, forced, child] = flow!.ids;
    await force(forced!);
    const names = ["first", "forced", "child"];
    const claimed = await store.claim({ names });
    await store.settle(
      claimed.find(({ id }) => id === forced)!,
      { kind: "processed" },
    );
    const below = await store.claimOne({ names });
    expect(below.id).toBe(child);
    await store.settle(
      claimed.find(({ id }) => id === first)!,
      { kind: "processed" },
    );
    expect((await store.transporter.flow(flow!.flowId!))?.status).toBe("running");
    await store.settle(below, { kind: "processed" });
    expect((await store.transporter.flow(flow!.flowId!))?.status).toBe("processed");
  });

  it("L6 a forced job that failed fails its stage when the gate opens", async () => {
    const [flow] = await store.transporter.enqueue([
      { flow: store.flow([{ jobs: ["first"] }, { jobs: ["forced", "sibling"] }]) },
    ]);
    const [, forced] = flow!.ids;
    await force(forced!);
    const names = ["first", "forced", "sibling"];
    const claimed = await store.claim({ names });
    await store.settle(
      claimed.find(({ id }) => id === forced)!,
      { kind: "failed", cause: "error", attemptsUsed: 1, crashes: 0, errors: 1, failure },
    );
    await store.settle(
      claimed.find(({ id }) => id !== forced)!,
      { kind: "processed" },
    );
    expect(await store.processReady(names)).toHaveLength(1);
    expect(await store.transporter.flow(flow!.flowId!)).toMatchObject({ status: "failed", failedJobId: forced });
  });

  it("L6 a forced job runs to its end though the stage before it fails, and changes nothing there", async () => {
    const [flow] = await store.transporter.enqueue([
      { flow: store.flow([{ jobs: ["first"] }, { jobs: ["forced", "sibling"] }]) },
    ]);
    const [first, forced, sibling] = flow!.ids;
    await force(forced!);
    const claimed = await store.claim({ names: ["first", "forced"] });
    await store.settle(
      claimed.find(({ id }) => id === first)!,
      failed(),
    );
    expect(await store.statuses([forced!, sibling!])).toEqual(["in_progress", "failed"]);
    expect(
      await store.settle(
        claimed.find(({ id }) => id === forced)!,
        { kind: "processed" },
      ),
    ).toEqual({ state: "applied" });
    expect(await store.transporter.flow(flow!.flowId!)).toMatchObject({ status: "failed", failedJobId: first });
  });

  it("L5 where no gate is closed there is none to force", async () => {
    const id = await store.enqueueOne();
    expect(await force(id)).toEqual({ state: "refused", status: "queued", why: "no-gate" });
    await store.processReady();
    expect(await force(id)).toEqual({ state: "refused", status: "processed", why: "final" });
  });
}
