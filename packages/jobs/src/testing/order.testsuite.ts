import { describe, expect, it } from "vitest";
import { Fixture, type TransporterSuite, one, retry } from "./fixture.ts";

/** L1, L2, L8: what is ready, in which order, and what is not in the way of it. */
export function orderSuite(suite: TransporterSuite): void {
  describe(`L1 L2 order and readiness: ${suite.name}`, () => {
    const store = new Fixture(suite);

    it("L1 the higher priority goes first, among equals the lower id", async () => {
      const [low, high, middle, alsoHigh] = await store.enqueue(
        { priority: 0 },
        { priority: 255 },
        { priority: 100 },
        { priority: 255 },
      );
      expect((await store.claim()).map(({ id }) => id)).toEqual([high, alsoHigh, middle, low]);
    });

    it("L1 ids ascend in the order of enqueueing, within a call and between calls", async () => {
      const first = await store.enqueue({}, {}, {});
      const [flow] = await store.transporter.enqueue([
        { flow: store.flow([{ jobs: ["work", "work"] }, { jobs: ["work"] }]) },
      ]);
      const last = await store.enqueue({}, {});
      const ids = [...first, ...(flow?.ids ?? []), ...last].map(Number);
      expect(ids).toHaveLength(8);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      expect(new Set(ids).size).toBe(8);
    });

    it("L1 among equal priorities the one with fewer attempts used goes first, before the id", async () => {
      const [older, younger] = await store.enqueue({}, {});
      const claimed = await store.claimOne();
      expect(claimed.id).toBe(older);
      await store.settle(claimed, retry({ priority: 100 }));
      expect((await store.claim()).map(({ id }) => id)).toEqual([younger, older]);
    });

    it("L1 a claim serves its requests in their order, each up to its limit", async () => {
      const other = `${store.queue}-other`;
      const [a, b] = await store.enqueue({}, {}, {});
      const [c] = await store.enqueue({ queue: other, priority: 255 });
      const claimed = await store.transporter.claim(
        [store.request({ limit: 2 }), store.request({ queue: other, limit: 5 })],
        "m",
      );
      expect(claimed.map(({ id }) => id)).toEqual([a, b, c]);
    });

    it("L1 two requests of one claim for the same queue do not get the same job", async () => {
      const ids = await store.enqueue({}, {});
      const claimed = await store.transporter.claim([store.request({ limit: 1 }), store.request({ limit: 5 })], "m");
      expect(claimed.map(({ id }) => id)).toEqual(ids);
    });

    it("L2 only jobs with a name that the manager handles are claimed", async () => {
      const [, known] = await store.enqueue({ name: "foreign", priority: 255 }, { name: "known" });
      expect((await store.claim({ names: ["known", "unused"] })).map(({ id }) => id)).toEqual([known]);
      expect(await store.claim({ names: [] })).toEqual([]);
    });

    it("L8 queues and lanes are lines of their own", async () => {
      const [short, long] = await store.enqueue({ lane: "short" }, { lane: "long", priority: 255 });
      expect((await store.claim({ queue: `${store.queue}-none` })).map(({ id }) => id)).toEqual([]);
      expect((await store.claim({ lane: "short" })).map(({ id }) => id)).toEqual([short]);
      expect((await store.claim({ lane: "long" })).map(({ id }) => id)).toEqual([long]);
    });

    it("L2 a limit of zero and an empty queue claim nothing", async () => {
      await store.enqueue({});
      expect(await store.claim({ limit: 0 })).toEqual([]);
      expect(await store.transporter.claim([], "m")).toEqual([]);
      expect(await store.claim()).toHaveLength(1);
      expect(await store.claim()).toEqual([]);
    });

    it("L2 a delayed job is not ready before its time, and ready after it by the store's clock", async () => {
      const id = await store.enqueueOne({ delayMs: 5_000, priority: 255 });
      expect(await store.status(id)).toBe("delayed");
      expect(await store.transporter.promote(100)).toMatchObject({ promoted: 0 });
      expect(await store.claim()).toEqual([]);
      store.setClock(5_001);
      expect((await store.transporter.promote(100)).promoted).toBe(1);
      expect(await store.status(id)).toBe("queued");
      expect((await store.claimOne()).id).toBe(id);
    });

    it("L2 promote tells when the next delayed job is due, and nothing when none is delayed", async () => {
      expect(await store.transporter.promote(100)).toEqual({ promoted: 0 });
      await store.enqueue({ delayMs: 60_000 }, { delayMs: 20_000 });
      const { promoted, nextInMs = -1 } = await store.transporter.promote(100);
      expect(promoted).toBe(0);
      expect(nextInMs).toBeGreaterThan(0);
      expect(nextInMs).toBeLessThanOrEqual(20_000);
      store.setClock(30_000);
      const second = await store.transporter.promote(100);
      expect(second.promoted).toBe(1);
      expect(second.nextInMs).toBeGreaterThan(0);
      expect(second.nextInMs).toBeLessThanOrEqual(30_000);
    });

    it("L2 promote goes by due time, at most its limit, and says at once when more is due", async () => {
      const [later, sooner] = await store.enqueue({ delayMs: 2_000 }, { delayMs: 1_000 });
      store.setClock(10_000);
      expect(await store.transporter.promote(1)).toEqual({ promoted: 1, nextInMs: 0 });
      expect(await store.statuses([later ?? "", sooner ?? ""])).toEqual(["delayed", "queued"]);
      expect(await store.transporter.promote(1)).toEqual({ promoted: 1 });
      expect(await store.transporter.promote(1)).toEqual({ promoted: 0 });
    });

    it("L2 jobs that are delayed or gated, of the highest priority, are not walked over or claimed", async () => {
      await store.enqueue(...Array.from({ length: 500 }, () => ({ delayMs: 60_000, priority: 255 })));
      const gated = store.flow([
        { jobs: [{ name: "gate" }] },
        { jobs: Array.from({ length: 200 }, () => ({ priority: 255 })) },
      ]);
      await store.transporter.enqueue([{ flow: gated }]);
      const id = await store.enqueueOne({ priority: 0 });
      expect((await store.claim()).map((claimed) => claimed.id)).toEqual([id]);
    });

    it("L1 a claim carries what an attempt needs to know", async () => {
      const before = await store.transporter.now();
      const id = await store.enqueueOne({
        input: `{"text":"ü ✓"}`,
        priority: 7,
        attempts: 9,
        timeoutMs: 1_234,
        wakeKey: store.key("w"),
      });
      const claimed = await store.claimOne();
      expect(claimed).toMatchObject({
        id,
        name: "work",
        queue: store.queue,
        lane: "short",
        input: `{"text":"ü ✓"}`,
        fence: 1,
        basePriority: 7,
        priority: 7,
        attempts: 9,
        attemptsUsed: 0,
        crashes: 0,
        errors: 0,
        timeoutMs: 1_234,
        cancelRequested: false,
        wakeKey: store.key("w"),
      });
      expect(claimed.createdAt).toBeGreaterThanOrEqual(before - 1_000);
      expect(claimed.readyAt).toBeGreaterThanOrEqual(claimed.createdAt);
      expect(claimed.flowId).toBeUndefined();
      expect(claimed.parentId).toBeUndefined();
    });

    it("L15 list walks jobs by id, filtered, page by page", async () => {
      const ids = await store.enqueue({}, { name: "other" }, {}, {});
      const page = await store.transporter.list({ queue: store.queue, name: "work", limit: 2 });
      expect(page.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      const rest = await store.transporter.list({ queue: store.queue, name: "work", after: ids[2] ?? "", limit: 2 });
      expect(one(rest).id).toBe(ids[3]);
      const claimed = await store.claimOne();
      const running = await store.transporter.list({ queue: store.queue, status: "in_progress", limit: 10 });
      expect(one(running)).toMatchObject({ id: claimed.id, fence: 1, claimedBy: "manager-1", status: "in_progress" });
    });

    it("L15 get answers those that exist", async () => {
      const id = await store.enqueueOne();
      const [job, ...others] = await store.transporter.get(["0", id, "9007199254740991", "nonsense"]);
      expect(others).toEqual([]);
      expect(job).toMatchObject({ id, status: "queued", attemptsUsed: 0, fence: 0, cancelRequested: false });
      expect(await store.transporter.flow("9007199254740991")).toBeUndefined();
      expect(await store.transporter.attempts("9007199254740991")).toEqual([]);
    });
  });
}
