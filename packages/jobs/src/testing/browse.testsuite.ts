import { array, assert, asyncProperty, constantFrom, integer, option, record } from "fast-check";
import { describe, expect, it } from "vitest";
import type { Job, JobId, JobStatus } from "../core/job.ts";
import type { BrowseQuery } from "../transporters/browse.ts";
import { failed, Fixture, one, retry, type TransporterSuite } from "./fixture.ts";
import { RunningFlow } from "./running-flow.ts";

const statuses: JobStatus[] = ["waiting", "delayed", "queued", "in_progress", "processed", "failed", "cancelled"];

/** L15: jobs looked through by people, newest first, without a look at all of them. */
export function browseSuite(suite: TransporterSuite): void {
  describe(`L15 browse: ${suite.name}`, () => {
    const store = new Fixture(suite);

    /** All pages of a query. */
    async function all(query: Omit<BrowseQuery, "limit" | "looksMax">, limit = 3, looksMax = 1_000): Promise<JobId[]> {
      const ids: JobId[] = [];
      for (let before = query.before; ;) {
        const page = await store.transporter.browse.find({
          ...query,
          ...(before === undefined ? {} : { before }),
          limit,
          looksMax,
        });
        expect(page.ids.length).toBeLessThanOrEqual(limit);
        ids.push(...page.ids);
        if (page.next === undefined) return ids;
        // Each page goes on, or the walk would never end.
        if (before !== undefined) expect(BigInt(page.next)).toBeLessThan(BigInt(before));
        before = page.next;
      }
    }

    /** Jobs of this test in every status, of two names and several priorities, some of them of a flow. */
    async function mixed(): Promise<Job[]> {
      const ids = await store.enqueue(
        ...Array.from({ length: 12 }, (_, index) => ({
          name: index % 3 === 0 ? "other" : "work",
          priority: 100 + (index % 2),
          ...(index >= 9 ? { delayMs: 60_000 } : {}),
        })),
      );
      const claimed = await store.claim({ names: ["work", "other"], limit: 6 });
      await store.settle(claimed[0]!, { kind: "processed" });
      await store.settle(claimed[1]!, { kind: "processed" });
      await store.settle(claimed[2]!, failed());
      await store.settle(claimed[3]!, retry({ priority: 33 }));
      await store.transporter.amend([ids[10]!], { kind: "cancel", reason: "test" });
      await store.transporter.amend([ids[8]!], { kind: "hold" });
      const flow = store.flow([{ jobs: ["work", "other"] }, { jobs: ["work"] }]);
      const added = one(await store.transporter.enqueue([{ flow }]));
      return await store.transporter.get([...ids, ...added.ids]);
    }

    it("L15 every job is found once, newest first, by each qualifier and by all of them, however small the pages", async () => {
      const jobs = await mixed();
      const newestFirst = (fits: (job: Job) => boolean): JobId[] =>
        jobs
          .filter(fits)
          .map(({ id }) => id)
          .toSorted((a, b) => Number(b) - Number(a));
      const { queue } = store;
      expect(await all({ queue })).toEqual(newestFirst(() => true));
      for (const status of statuses) {
        expect([status, await all({ queue, statuses: [status] })]).toEqual([
          status,
          newestFirst((job) => job.status === status),
        ]);
      }
      expect(await all({ queue, statuses: ["queued", "failed"], name: "work" })).toEqual(
        newestFirst(({ status, name }) => (status === "queued" || status === "failed") && name === "work"),
      );
      expect(await all({ queue, name: "other" })).toEqual(newestFirst(({ name }) => name === "other"));
      expect(await all({ queue, priority: 101 })).toEqual(newestFirst(({ priority }) => priority === 101));
      expect(await all({ queue, priority: 33 })).toHaveLength(1);
      const { flowId } = jobs.at(-1)!;
      expect(await all({ flowId: flowId! })).toEqual(newestFirst((job) => job.flowId === flowId));
      expect(await all({ flowId: flowId!, statuses: ["waiting"], name: "work" })).toHaveLength(1);
      expect(await all({ flowId: flowId!, queue: "another" })).toEqual([]);
    });

    it("L15 without a qualifier all jobs are walked, and a name among them is looked for", async () => {
      const jobs = await mixed();
      const mine = new Set(jobs.map(({ id }) => id));
      const others = jobs.filter(({ name }) => name === "other").map(({ id }) => id);
      expect((await all({}, 50)).filter((id) => mine.has(id))).toHaveLength(jobs.length);
      expect((await all({ name: "other" }, 5, 20)).filter((id) => mine.has(id))).toEqual(
        others.toSorted((a, b) => Number(b) - Number(a)),
      );
    });

    it("L14 a look passes no more than it may, and says where it came to", async () => {
      const ids = await store.enqueue({ name: "rare" }, ...Array.from({ length: 60 }, () => ({})));
      const query = { queue: store.queue, statuses: ["queued" as const], name: "rare", limit: 5, looksMax: 20 };
      const first = await store.transporter.browse.find(query);
      expect(first.ids).toEqual([]);
      expect(Number(first.next)).toBeGreaterThan(Number(ids[1]));
      expect(await all({ queue: store.queue, statuses: ["queued"], name: "rare" }, 5, 20)).toEqual([ids[0]]);
    });

    it("L15 pages meet whatever the qualifiers and the bounds (property)", async () => {
      const jobs = await mixed();
      const query = record({
        status: option(constantFrom(...statuses)),
        name: option(constantFrom("work", "other")),
        priority: option(constantFrom(33, 100, 101)),
        pages: array(integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 1 }),
        looksMax: integer({ min: 1, max: 40 }),
      });
      await assert(
        asyncProperty(query, async ({ status, name, priority, pages, looksMax }) => {
          const found = await all(
            {
              queue: store.queue,
              ...(status === null ? {} : { statuses: [status] }),
              ...(name === null ? {} : { name }),
              ...(priority === null ? {} : { priority }),
            },
            pages[0],
            looksMax,
          );
          const expected = jobs.filter(
            (job) =>
              (status === null || job.status === status) &&
              (name === null || job.name === name) &&
              (priority === null || job.priority === priority),
          );
          expect(found).toEqual(expected.map(({ id }) => id).toSorted((a, b) => Number(b) - Number(a)));
        }),
        { numRuns: suite.modelRuns ?? 30 },
      );
    });

    it("L15 a brief is the job without its input and result", async () => {
      const jobs = await mixed();
      const briefs = await store.transporter.browse.briefs([...jobs.map(({ id }) => id), "999999999"]);
      expect(briefs.map(({ stageId: _stage, ...brief }) => brief)).toEqual(
        jobs.map(({ input: _input, result: _result, ...job }) => job),
      );
    });

    it("L15 a flow's jobs tell their stages", async () => {
      const flow = await RunningFlow.start(store, [
        { jobs: [{ job: "a", under: [{ jobs: ["a1"] }] }, "b"] },
        { jobs: ["c"] },
      ]);
      const { flowId } = await store.get(flow.id("a"));
      const stages = await store.transporter.sight.stages(flowId!);
      await flow.fail("a");
      const briefs = await store.transporter.browse.members(flowId!);
      const jobs = await store.transporter.list({ flowId: flowId!, limit: 10 });
      expect(briefs.map(({ stageId: _stage, ...brief }) => brief)).toEqual(
        jobs.map(({ id, name, queue, status, priority, startedAt, finishedAt }) => ({
          id,
          name,
          queue,
          status,
          priority,
          ...(startedAt === undefined ? {} : { startedAt }),
          ...(finishedAt === undefined ? {} : { finishedAt }),
        })),
      );
      const stageOf = (name: string): string | undefined => briefs.find((brief) => brief.name === name)?.stageId;
      expect(briefs.map(({ name }) => name).toSorted()).toEqual(["a", "a1", "b", "c"]);
      expect(stageOf("a")).toBe(stageOf("b"));
      expect(stages.find(({ id }) => id === stageOf("a1"))?.parentId).toBe(flow.id("a"));
      expect(stages.find(({ id }) => id === stageOf("c"))?.position).toBe(1);
      expect(await store.transporter.browse.members("999999999")).toEqual([]);
    });

    it("L15 jobs are found by their keys: what holds a unique one, and who waits for a wake", async () => {
      const key = store.key("key");
      const [holder] = await store.enqueue({ uniqueKey: key }, {});
      const [waiter] = await store.enqueue({ wakeKey: key, delayMs: 60_000 });
      expect(await store.transporter.browse.byKey(key)).toEqual([waiter, holder]);
      const flowKey = store.key("flow");
      const flow = store.flow([{ jobs: ["work", "work"] }], { uniqueKey: flowKey });
      const { ids } = one(await store.transporter.enqueue([{ flow }]));
      expect(await store.transporter.browse.byKey(flowKey)).toEqual(ids.toReversed());
      expect(await store.transporter.browse.byKey(store.key("none"))).toEqual([]);
    });

    it("L15 what a manager has claimed is told by its name, on the road and off it", async () => {
      await store.transporter.queues.configure(`${store.queue}-limited`, { concurrency: 1 });
      const ids = await store.enqueue({}, {}, { queue: `${store.queue}-limited` });
      const mine = store.key("manager");
      await store.transporter.claim(
        [store.request({ limit: 1 }), store.request({ queue: `${store.queue}-limited` })],
        mine,
      );
      await store.claim();
      const claimed = await store.transporter.browse.claimedBy(mine, 10);
      expect(claimed.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      expect((await store.transporter.browse.claimedBy(mine, 1)).map(({ id }) => id)).toEqual([ids[0]]);
    });

    it("L15 a moved job is counted, listed and claimed in its new queue, and only there", async () => {
      const to = `${store.queue}-to`;
      const [ready, delayed, last] = await store.enqueue({}, { delayMs: 60_000 }, {});
      const flow = one(
        await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["work"] }, { jobs: ["work"] }]) }]),
      );
      const running = await store.claimOne();
      const waiting = flow.ids[1]!;
      const moved = [ready!, delayed!, last!, waiting, running.id];
      const results = await store.transporter.amend([...new Set(moved)], { kind: "move", queue: to });
      expect(running.id).toBe(ready);
      expect(results.map(({ state }) => state)).toEqual(["refused", "applied", "applied", "applied"]);
      const counts = (await store.transporter.sight.counts()).filter(
        ({ queue }) => queue === to || queue === store.queue,
      );
      const of = (queue: string): unknown => counts.find((line) => line.queue === queue)?.counts;
      expect(of(to)).toMatchObject({ queued: 1, delayed: 1, waiting: 1, in_progress: 0 });
      expect(of(store.queue)).toMatchObject({ queued: 1, delayed: 0, waiting: 0, in_progress: 1 });
      expect((await store.claim({ queue: to })).map(({ id }) => id)).toEqual([last]);
      expect(await all({ queue: to })).toEqual([waiting, last, delayed]);
      await store.settle(running, { kind: "processed" });
      expect(await store.transporter.amend([ready!], { kind: "move", queue: to })).toEqual([
        { state: "refused", status: "processed" },
      ]);
      store.setClock(61_000);
      await store.transporter.promote(10);
      expect((await store.claim({ queue: to })).map(({ id }) => id)).toEqual([delayed]);
    });
  });
}
