import { beforeEach, describe, expect, it } from "vitest";
import type { JobId } from "../core/job.ts";
import type { Pruned } from "../transporters/keeping.ts";
import { Fixture, type TransporterSuite, failed, one } from "./fixture.ts";
import { RunningFlow } from "./running-flow.ts";

const hour = 3_600_000;
const day = 24 * hour;
const kept = { processedMs: day, badMs: 7 * day };

/** L17: pruning, and unique keys apart from what is kept of their jobs. */
export function keepingSuite(suite: TransporterSuite): void {
  describe(`L17 keeping: ${suite.name}`, () => {
    const store = new Fixture(suite);

    // What earlier tests have left is not this one's to count.
    beforeEach(async () => {
      store.setClock(1_000 * day);
      while ((await store.transporter.keeping.prune({ processedMs: 0, badMs: 0 }, 1_000)).more);
      store.setClock(0);
    });

    function prune(limit = 1_000): Promise<Pruned> {
      return store.transporter.keeping.prune(kept, limit);
    }

    /** Prunes all there is, and tells what went. */
    async function pruneAll(): Promise<{ jobs: number; flows: number }> {
      const sum = { jobs: 0, flows: 0 };
      for (;;) {
        const { jobs, flows, more } = await prune();
        sum.jobs += jobs;
        sum.flows += flows;
        if (!more) return sum;
      }
    }

    async function left(...ids: JobId[]): Promise<JobId[]> {
      return (await store.transporter.get(ids)).map(({ id }) => id);
    }

    it("L17 processed jobs are kept a day, failed and cancelled ones a week, unfinished ones for ever", async () => {
      const [good, bad, gone, ready, later] = await store.enqueue({}, {}, {}, {}, { delayMs: 30 * day });
      await store.settle(await store.claimOne(), { kind: "processed" });
      await store.settle(await store.claimOne(), failed());
      await store.transporter.amend([gone!], { kind: "cancel", reason: "test" });
      const ids = [good!, bad!, gone!, ready!, later!];
      store.setClock(day - hour);
      await pruneAll();
      expect(await left(...ids)).toEqual(ids);
      store.setClock(day + hour);
      expect(await pruneAll()).toEqual({ jobs: 1, flows: 0 });
      expect(await left(...ids)).toEqual([bad, gone, ready, later]);
      expect(await store.transporter.attempts(bad!)).toHaveLength(1);
      store.setClock(7 * day + hour);
      expect(await pruneAll()).toEqual({ jobs: 2, flows: 0 });
      expect(await left(...ids)).toEqual([ready, later]);
      expect(await store.transporter.attempts(bad!)).toEqual([]);
      expect(await store.claim()).toMatchObject([{ id: ready }]);
    });

    it("L17 a batch removes the oldest and no more than its limit, and says that there are more", async () => {
      const ids = await store.enqueue(...Array.from({ length: 5 }, () => ({})));
      for (const [index, claimed] of (await store.claim()).entries()) {
        store.setClock(index * 1_000);
        await store.settle(claimed, { kind: "processed" });
      }
      store.setClock(2 * day);
      expect(await prune(2)).toEqual({ jobs: 2, flows: 0, more: true });
      expect(await left(...ids)).toEqual(ids.slice(2));
      expect(await prune(1_000)).toEqual({ jobs: 3, flows: 0, more: false });
      expect(await prune(1_000)).toEqual({ jobs: 0, flows: 0, more: false });
    });

    it("L17 only wholly finished flows go, whole: jobs, stages, attempts, progress", async () => {
      const flow = await RunningFlow.start(store, [
        { jobs: [{ job: "a", under: [{ jobs: ["a1"] }] }] },
        { jobs: ["b"] },
      ]);
      const claimed = await flow.claim("a");
      await store.transporter.sight.reportProgress([{ id: claimed.id, fence: claimed.fence, value: "1" }]);
      await store.settle(claimed, { kind: "processed" });
      await flow.process("a1");
      store.setClock(10 * day);
      await pruneAll();
      expect(await flow.statuses("a", "a1", "b")).toEqual(["processed", "processed", "queued"]);
      await flow.process("b");
      await pruneAll();
      expect(await flow.statuses("a", "a1", "b")).toEqual(["processed", "processed", "processed"]);
      store.setClock(12 * day);
      expect(await pruneAll()).toEqual({ jobs: 3, flows: 1 });
      expect(await left(flow.id("a"), flow.id("a1"), flow.id("b"))).toEqual([]);
      expect(await store.transporter.flow(flow.flowId)).toBeUndefined();
      expect(await store.transporter.sight.stages(flow.flowId)).toEqual([]);
      expect(await store.transporter.sight.progress(claimed.id)).toBeUndefined();
    });

    it("L17 a failed flow whose onFailed job has still to run stays; then it goes with it", async () => {
      const flow = await RunningFlow.start(store, [{ jobs: ["a"] }], { onFailed: {} });
      await flow.fail("a");
      store.setClock(30 * day);
      await pruneAll();
      const { onFailedJobId = "" } = await flow.read();
      expect(await store.status(onFailedJobId)).toBe("queued");
      await flow.process("on-failed");
      expect(await pruneAll()).toEqual({ jobs: 2, flows: 1 });
      expect(await left(flow.id("a"), onFailedJobId)).toEqual([]);
    });

    it("L17 a flow in which a job was retried by hand after its end is not pruned under it", async () => {
      const flow = await RunningFlow.start(store, [{ jobs: ["a"], policy: "all-settled" }]);
      await flow.fail("a");
      expect((await flow.read()).status).toBe("processed");
      await store.transporter.amend([flow.id("a")], { kind: "retry" });
      store.setClock(30 * day);
      await pruneAll();
      expect(await flow.statuses("a")).toEqual(["queued"]);
      await flow.process("a");
      expect(await pruneAll()).toEqual({ jobs: 1, flows: 1 });
    });

    it("L15 L17 pruned jobs are counted no more", async () => {
      await store.enqueue({}, {});
      await store.processReady();
      store.setClock(2 * day);
      await pruneAll();
      const lines = (await store.transporter.sight.counts()).filter(({ queue }) => queue === store.queue);
      expect(lines.flatMap(({ counts }) => Object.values(counts)).filter((count) => count !== 0)).toEqual([]);
    });

    it("L17 a unique key can be held for a stated time after its job's end, and after what is kept of the job", async () => {
      const uniqueKey = store.key("report");
      const item = { job: store.job({ uniqueKey, uniqueKeptMs: 3 * day }) };
      const { ids } = one(await store.transporter.enqueue([item]));
      await store.processReady();
      expect(await store.transporter.enqueue([item])).toEqual([{ state: "existing", ids }]);
      store.setClock(2 * day);
      expect(await pruneAll()).toMatchObject({ jobs: 1 });
      expect(await left(...ids)).toEqual([]);
      expect(await store.transporter.enqueue([item])).toEqual([{ state: "existing", ids }]);
      store.setClock(3 * day + hour);
      const again = one(await store.transporter.enqueue([item]));
      expect(again.state).toBe("added");
      expect(await store.transporter.enqueue([item])).toEqual([{ state: "existing", ids: again.ids }]);
    });

    it("L17 a key without a stated time is free with the end of its job; so is a kept one when its time has passed", async () => {
      const plain = { job: store.job({ uniqueKey: store.key("plain") }) };
      const timed = { job: store.job({ uniqueKey: store.key("timed"), uniqueKeptMs: hour }) };
      await store.transporter.enqueue([plain, timed]);
      await store.processReady();
      expect(one(await store.transporter.enqueue([plain])).state).toBe("added");
      store.setClock(2 * hour);
      await pruneAll();
      expect(one(await store.transporter.enqueue([timed])).state).toBe("added");
    });

    it("L17 a flow's key is held after the flow, by the flow", async () => {
      const flow = { ...store.flow([{ jobs: ["a"] }], { uniqueKey: store.key("deploy") }), uniqueKeptMs: hour };
      const { flowId = "" } = one(await store.transporter.enqueue([{ flow }]));
      await store.processReady(["a"]);
      expect(one(await store.transporter.enqueue([{ flow }]))).toMatchObject({ state: "existing", flowId });
      store.setClock(2 * hour);
      expect(one(await store.transporter.enqueue([{ flow }])).state).toBe("added");
    });

    it("L10 L17 a job retried by hand holds its kept key again, for as long as it runs and its time after", async () => {
      const item = { job: store.job({ uniqueKey: store.key("again"), uniqueKeptMs: hour }) };
      const { ids } = one(await store.transporter.enqueue([item]));
      await store.settle(await store.claimOne(), failed());
      expect(await store.transporter.amend(ids, { kind: "retry" })).toEqual([{ state: "applied" }]);
      store.setClock(2 * hour);
      expect(await store.transporter.enqueue([item])).toEqual([{ state: "existing", ids }]);
      store.setClock(0);
      await store.processReady();
      expect(await store.transporter.enqueue([item])).toEqual([{ state: "existing", ids }]);
      store.setClock(2 * hour);
      expect(one(await store.transporter.enqueue([item])).state).toBe("added");
    });

    it("L17 two managers prune at once: each job goes once", async () => {
      await store.enqueue(...Array.from({ length: 40 }, () => ({})));
      await store.processReady();
      const other = await store.second();
      store.setClock(2 * day);
      let jobs = 0;
      for (let round = 0; round < 20; round += 1) {
        const both = await Promise.all([prune(5), other.keeping.prune(kept, 5)]);
        for (const pruned of both) jobs += pruned.jobs;
      }
      expect(jobs).toBe(40);
      expect((await store.transporter.list({ queue: store.queue, limit: 100 })).length).toBe(0);
    });
  });
}
