import { array, assert, asyncProperty, boolean, constant, constantFrom, integer, oneof, record } from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobStatus } from "../core/job.ts";
import type { QueueCounts } from "../transporters/sight.ts";
import { Fixture, type TransporterSuite, failed, one, retry } from "./fixture.ts";
import { RunningFlow } from "./running-flow.ts";

const none: Record<JobStatus, number> = {
  waiting: 0,
  delayed: 0,
  queued: 0,
  in_progress: 0,
  processed: 0,
  failed: 0,
  cancelled: 0,
};

/** L15: counters, gates, managers seen, progress, and listing that walks to what is asked for. */
export function sightSuite(suite: TransporterSuite): void {
  describe(`L15 sight: ${suite.name}`, () => {
    const store = new Fixture(suite);

    async function counted(): Promise<QueueCounts["counts"]> {
      const line = (await store.transporter.sight.counts()).find(({ queue }) => queue === store.queue);
      return line?.counts ?? none;
    }

    it("L15 counts follow a job through every status", async () => {
      expect(await counted()).toEqual(none);
      await store.enqueue({}, {}, { delayMs: 60_000 });
      expect(await counted()).toEqual({ ...none, queued: 2, delayed: 1 });
      const [first, second] = await store.claim();
      expect(await counted()).toEqual({ ...none, in_progress: 2, delayed: 1 });
      await store.settle(first!, { kind: "processed" });
      await store.settle(second!, retry({ delayMs: 30_000 }));
      expect(await counted()).toEqual({ ...none, processed: 1, delayed: 2 });
      store.setClock(90_000);
      await store.transporter.promote(10);
      expect(await counted()).toEqual({ ...none, processed: 1, queued: 2 });
      const [third, fourth] = await store.claim();
      await store.settle(third!, failed());
      await store.settle(fourth!, { kind: "defer", delayMs: 0 });
      expect(await counted()).toEqual({ ...none, processed: 1, failed: 1, queued: 1 });
      await store.transporter.amend([fourth!.id], { kind: "cancel", reason: "test" });
      expect(await counted()).toEqual({ ...none, processed: 1, failed: 1, cancelled: 1 });
      await store.transporter.amend([third!.id], { kind: "retry" });
      expect(await counted()).toEqual({ ...none, processed: 1, queued: 1, cancelled: 1 });
    });

    it("L15 counts follow what a flow's end does to others: gates opened, descendants failed, siblings cancelled", async () => {
      const flow = await RunningFlow.start(store, [
        { jobs: [{ job: "a", under: [{ jobs: ["a1"] }] }, "b"], policy: "fail-fast" },
        { jobs: ["c"] },
      ]);
      expect(await counted()).toEqual({ ...none, queued: 2, waiting: 2 });
      await flow.process("a");
      expect(await counted()).toEqual({ ...none, queued: 2, waiting: 1, processed: 1 });
      await flow.fail("a1");
      expect(await counted()).toMatchObject({ waiting: 0, processed: 1 });
      const statuses = await flow.statuses("a", "a1", "b", "c");
      const expected = { ...none };
      for (const status of statuses) expected[status] += 1;
      expect(await counted()).toEqual(expected);
    });

    it("L15 counts are of lines: queue and lane", async () => {
      await store.enqueue({}, { lane: "long" }, { lane: "long" });
      const lines = (await store.transporter.sight.counts()).filter(({ queue }) => queue === store.queue);
      expect(lines.map(({ lane, counts }) => [lane, counts.queued])).toEqual([
        ["long", 2],
        ["short", 1],
      ]);
    });

    it("L15 what a rolled back transaction enqueued was never counted", async ({ skip }) => {
      const sql = store.sql(skip);
      const rolledBack = sql.transaction(async (tx) => {
        await store.transporter.enqueue([{ job: store.job() }], { tx });
        throw new RangeError("rolled back");
      });
      await expect(rolledBack).rejects.toThrow("rolled back");
      expect(await counted()).toEqual(none);
    });

    it("L15 the oldest wait is that of the ready job that waits longest, by the store's clock", async () => {
      await store.enqueue({ delayMs: 600_000 }, { priority: 1 }, { priority: 200 });
      store.setClock(60_000);
      await store.enqueue({ priority: 255 });
      const [line] = (await store.transporter.sight.counts()).filter(({ queue }) => queue === store.queue);
      expect(line?.oldestWaitMs).toBeGreaterThanOrEqual(59_000);
      expect(line?.oldestWaitMs).toBeLessThan(120_000);
      await store.claim();
      const [idle] = (await store.transporter.sight.counts()).filter(({ queue }) => queue === store.queue);
      expect(idle).not.toHaveProperty("oldestWaitMs");
    });

    it("L15 counts are what a count of all jobs would be, after any acts (property)", async () => {
      const act = oneof(
        record({
          kind: constant("enqueue" as const),
          jobs: integer({ min: 1, max: 4 }),
          delayed: boolean(),
        }),
        record({ kind: constant("claim" as const), limit: integer({ min: 1, max: 3 }) }),
        record({ kind: constantFrom("process", "fail", "back", "cancel", "retry", "prune") }),
      );
      let run = 0;
      await assert(
        asyncProperty(array(act, { maxLength: 25 }), async (acts) => {
          run += 1;
          const queue = store.key(`run-${run}`);
          const running: Awaited<ReturnType<typeof store.claim>> = [];
          const ids: string[] = [];
          for (const each of acts) {
            if (each.kind === "enqueue" && "jobs" in each) {
              const job = { queue, delayMs: each.delayed ? 60_000 : 0 };
              ids.push(...(await store.enqueue(...Array.from({ length: each.jobs }, () => job))));
            } else if (each.kind === "claim" && "limit" in each)
              running.push(...(await store.claim({ queue, limit: each.limit })));
            else if (each.kind === "cancel")
              await store.transporter.amend(ids.slice(-1), { kind: "cancel", reason: "x" });
            else if (each.kind === "retry") await store.transporter.amend(ids.slice(-1), { kind: "retry" });
            else if (each.kind === "prune") await store.transporter.keeping.prune({ processedMs: 0, badMs: 0 }, 3);
            else {
              const job = running.pop();
              if (job === undefined) continue;
              if (each.kind === "process") await store.settle(job, { kind: "processed" });
              else if (each.kind === "fail") await store.settle(job, failed());
              else await store.settle(job, retry({ delayMs: 30_000 }));
            }
          }
          const expected = { ...none };
          for (const job of await store.transporter.get(ids)) expected[job.status] += 1;
          const line = (await store.transporter.sight.counts()).find((found) => found.queue === queue);
          expect(line?.counts ?? none).toEqual(expected);
        }),
        { numRuns: suite.modelRuns ?? 30 },
      );
    });

    it("L15 stages tell a flow's gates, with what they stand under", async () => {
      const flow = await RunningFlow.start(store, [
        { jobs: [{ job: "a", under: [{ jobs: ["a1"] }] }, "b"] },
        { jobs: ["c"], policy: "all-settled" },
      ]);
      await flow.process("a");
      const stages = await store.transporter.sight.stages(flow.flowId);
      const [top, under] = stages;
      expect(
        stages.map(({ position, policy, state, unfinished }) => ({ position, policy, state, unfinished })),
      ).toEqual([
        { position: 0, policy: "all-processed", state: "open", unfinished: 2 },
        { position: 0, policy: "all-processed", state: "open", unfinished: 1 },
        { position: 1, policy: "all-settled", state: "waiting", unfinished: 0 },
      ]);
      expect(under).toMatchObject({ parentId: flow.id("a"), parentStageId: top?.id });
      expect(top).not.toHaveProperty("parentId");
      expect(await store.transporter.sight.stages("9007199254740991")).toEqual([]);
    });

    it("L15 managers are there as long as they say so, and gone at once when they leave", async () => {
      const { sight } = store.transporter;
      const beat = { id: store.key("m1"), names: ["work"], lines: [{ queue: store.queue, lane: "short" as const }] };
      await sight.beat(beat, 30_000);
      await sight.beat({ ...beat, id: store.key("m2") }, 5_000);
      expect(await sight.managers()).toMatchObject([beat, { id: store.key("m2") }]);
      store.setClock(20_000);
      expect(await sight.managers()).toMatchObject([{ id: beat.id }]);
      await sight.beat({ ...beat, names: ["other"] }, 30_000);
      const seen = one(await sight.managers());
      expect(seen.names).toEqual(["other"]);
      expect(seen.seenAt - seen.startedAt).toBeGreaterThanOrEqual(19_000);
      await sight.leave(beat.id);
      expect(await sight.managers()).toEqual([]);
    });

    it("L15 progress is the latest of the attempt that holds the job; others are dropped (L3)", async () => {
      const { sight } = store.transporter;
      const id = await store.enqueueOne();
      expect(await sight.progress(id)).toBeUndefined();
      const first = await store.claimOne();
      await sight.reportProgress([{ id, fence: first.fence, value: "1" }]);
      await sight.reportProgress([{ id, fence: first.fence, value: '{"done":2}' }]);
      expect(await sight.progress(id)).toMatchObject({ fence: first.fence, value: '{"done":2}' });
      await store.settle(first, retry());
      await sight.reportProgress([{ id, fence: first.fence, value: "3" }]);
      const second = await store.claimOne();
      await sight.reportProgress([
        { id, fence: first.fence, value: "4" },
        { id: "9007199254740991", fence: 1, value: "5" },
      ]);
      expect(await sight.progress(id)).toMatchObject({ value: '{"done":2}' });
      await sight.reportProgress([{ id, fence: second.fence, value: "6" }]);
      expect(await sight.progress(id)).toMatchObject({ fence: second.fence, value: "6" });
    });

    it("L15 any status can be listed, alone, by queue and by name, page by page in the order of ids", async () => {
      const lanes = ["short", "long"] as const;
      const ids = await store.enqueue(
        ...Array.from({ length: 12 }, (_, index) => ({
          lane: lanes[index % 2]!,
          name: index < 6 ? "even" : "odd",
          priority: 10 * index,
          delayMs: index % 3 === 0 ? 60_000 : 0,
        })),
      );
      const list = async (query: object): Promise<string[]> =>
        (await store.transporter.list({ queue: store.queue, limit: 100, ...query })).map(({ id }) => id);
      const delayed = ids.filter((_, index) => index % 3 === 0);
      const queued = ids.filter((_, index) => index % 3 !== 0);
      expect(await list({})).toEqual(ids);
      expect(await list({ status: "delayed" })).toEqual(delayed);
      expect(await list({ status: "queued" })).toEqual(queued);
      expect(await list({ status: "queued", name: "odd" })).toEqual(queued.filter((id) => ids.indexOf(id) >= 6));
      expect(await list({ status: "queued", limit: 3 })).toEqual(queued.slice(0, 3));
      expect(await list({ status: "queued", limit: 3, after: queued[2]! })).toEqual(queued.slice(3, 6));
      expect(await list({ status: "in_progress" })).toEqual([]);
      const claimed = await store.claim({ names: ["even", "odd"], limit: 2 });
      expect(await list({ status: "in_progress" })).toEqual(claimed.map(({ id }) => id).toSorted(byNumber));
      await store.settle(claimed[0]!, { kind: "processed" });
      await store.settle(claimed[1]!, failed());
      expect(await list({ status: "processed" })).toEqual([claimed[0]!.id]);
      expect(await list({ status: "failed" })).toEqual([claimed[1]!.id]);
      const everywhere = await store.transporter.list({ status: "delayed", limit: 1_000 });
      expect(everywhere.map(({ id }) => id)).toEqual(delayed);
      expect(await list({ queue: `${store.queue}-none` })).toEqual([]);
    });
  });
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b);
}
