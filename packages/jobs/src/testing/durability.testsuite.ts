import { describe, expect, it } from "vitest";
import { Fixture, type TransporterSuite, failed, one } from "./fixture.ts";

/** L11, L17: what an enqueue that returned means, unique keys, and joining the caller's transaction. */
export function durabilitySuite(suite: TransporterSuite): void {
  describe(`L11 L17 enqueue and transactions: ${suite.name}`, () => {
    const store = new Fixture(suite);

    it("L11 what an enqueue returned is readable by another connection at once", async () => {
      const second = await store.second();
      const ids = await store.enqueue({}, { delayMs: 1_000 });
      const [flow] = await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["a", "b"] }, { jobs: ["c"] }]) }]);
      const seen = await second.get([...ids, ...(flow?.ids ?? [])]);
      expect(seen.map(({ status }) => status)).toEqual(["queued", "delayed", "queued", "queued", "waiting"]);
      expect(await second.flow(flow?.flowId ?? "")).toMatchObject({ status: "running" });
    });

    it("L11 a settlement that returned is readable by another connection at once", async () => {
      const second = await store.second();
      const id = await store.enqueueOne();
      await store.settle(await store.claimOne(), { kind: "processed", result: `{"ok":true}` });
      expect(one(await second.get([id]))).toMatchObject({ status: "processed", result: `{"ok":true}` });
    });

    it("L11 a call that throws has added nothing, whatever stood before in it", async () => {
      const key = store.key("held");
      await store.enqueue({ name: "holder", uniqueKey: key });
      const flow = store.flow([{ jobs: [{ name: "first" }, { name: "second", uniqueKey: key }] }]);
      await expect(store.transporter.enqueue([{ job: store.job({ name: "before" }) }, { flow }])).rejects.toMatchObject(
        {
          code: "unique_key_taken",
        },
      );
      const jobs = await store.transporter.list({ queue: store.queue, limit: 10 });
      expect(jobs.map(({ name }) => name)).toEqual(["holder"]);
    });

    it("L11 many enqueues at once are each added exactly once", async () => {
      const ids = await Promise.all(Array.from({ length: 100 }, () => store.enqueueOne()));
      expect(new Set(ids).size).toBe(100);
      expect(await store.claim({ limit: 200 })).toHaveLength(100);
    });

    it("L17 a key held by an unfinished job makes the item existing and adds nothing for it", async () => {
      const uniqueKey = store.key("u");
      const id = await store.enqueueOne({ uniqueKey });
      const [existing, added] = await store.transporter.enqueue([
        { job: store.job({ uniqueKey }) },
        { job: store.job() },
      ]);
      expect(existing).toEqual({ state: "existing", ids: [id] });
      expect(added?.state).toBe("added");
      expect(await store.ready()).toEqual([id, ...(added?.ids ?? [])]);
      expect((await store.get(id)).uniqueKey).toBe(uniqueKey);
    });

    it("L17 a key twice in one call: the first is added, the second exists", async () => {
      const uniqueKey = store.key("u");
      const [first, second] = await store.transporter.enqueue([
        { job: store.job({ uniqueKey }) },
        { job: store.job({ uniqueKey }) },
      ]);
      expect(first?.state).toBe("added");
      expect(second).toEqual({ state: "existing", ids: first?.ids });
    });

    it("L17 of many enqueues at once with one key, from two connections, exactly one is added", async () => {
      const second = await store.second();
      const items = [{ job: store.job({ uniqueKey: store.key("race") }) }];
      const results = await Promise.all(
        Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? store.transporter : second).enqueue(items)),
      );
      const all = results.flat();
      expect(all.filter(({ state }) => state === "added")).toHaveLength(1);
      expect(new Set(all.flatMap(({ ids }) => ids)).size).toBe(1);
      expect(await store.ready()).toHaveLength(1);
    });

    it("L17 the key is free again when its job is processed, failed or cancelled, and held through a retry", async () => {
      const uniqueKey = store.key("u");
      const first = await store.enqueueOne({ uniqueKey });
      await store.settle(await store.claimOne(), { kind: "defer", delayMs: 0 });
      expect(await store.enqueueOne({ uniqueKey })).toBe(first);
      await store.processReady();
      const second = await store.enqueueOne({ uniqueKey });
      expect(second).not.toBe(first);
      await store.settle(await store.claimOne(), failed());
      const third = await store.enqueueOne({ uniqueKey });
      expect(third).not.toBe(second);
      await store.transporter.amend([third], { kind: "cancel", reason: "test" });
      expect(await store.enqueueOne({ uniqueKey })).not.toBe(third);
    });

    it("L17 a flow's key is held until the flow has ended, not its first job", async () => {
      const uniqueKey = store.key("f");
      const flow = store.flow([{ jobs: ["work", "work"] }, { jobs: ["work"] }], { uniqueKey, onFailed: {} });
      const first = one(await store.transporter.enqueue([{ flow }]));
      expect(await store.transporter.enqueue([{ flow }])).toEqual([
        { state: "existing", ids: first.ids, flowId: first.flowId },
      ]);
      await store.processReady();
      expect(one(await store.transporter.enqueue([{ flow }])).state).toBe("existing");
      await store.processReady();
      const next = one(await store.transporter.enqueue([{ flow }]));
      expect(next.state).toBe("added");
      expect(next.flowId).not.toBe(first.flowId);
      await store.settle(await store.claimOne(), failed());
      await store.processReady();
      expect(one(await store.transporter.enqueue([{ flow }])).state).toBe("added");
    });

    it("L17 jobs and flows share one space of keys", async () => {
      const uniqueKey = store.key("shared");
      const id = await store.enqueueOne({ uniqueKey });
      const flow = store.flow([{ jobs: ["work"] }], { uniqueKey });
      expect(await store.transporter.enqueue([{ flow }])).toEqual([{ state: "existing", ids: [id] }]);
    });

    it("L11 items given with a processed outcome are added in the act that ends it, and not if it is refused", async () => {
      await store.enqueueOne();
      const claimed = await store.claimOne();
      const outcome = {
        kind: "processed",
        enqueue: [{ job: store.job({ name: "next" }) }, { flow: store.flow([{ jobs: ["next"] }]) }],
      } as const;
      expect(await store.settle(claimed, { ...outcome, enqueue: [...outcome.enqueue] }, { fence: 99 })).toMatchObject({
        state: "refused",
      });
      expect(await store.ready()).toEqual([]);
      expect(await store.settle(claimed, { ...outcome, enqueue: [...outcome.enqueue] })).toEqual({ state: "applied" });
      expect(await store.claim({ names: ["next"] })).toHaveLength(2);
    });

    it("L11 an enqueue within the caller's transaction is there with its commit, own tables included", async ({
      skip,
    }) => {
      const sql = store.sql(skip);
      const second = await store.second();
      const table = `mine_${Date.now()}`;
      await sql.query(`CREATE TABLE ${table} (name VARCHAR(20))`);
      const id = await sql.transaction(async (tx) => {
        await tx.query(`INSERT INTO ${table} VALUES ('a')`);
        const [inside] = await store.transporter.enqueue([{ job: store.job() }], { tx });
        expect(await second.get(inside?.ids ?? [])).toEqual([]);
        return one(inside?.ids ?? []);
      });
      expect(await store.status(id)).toBe("queued");
      expect((await sql.query(`SELECT name FROM ${table}`)).rows).toEqual([{ name: "a" }]);
      expect((await store.claimOne()).id).toBe(id);
    });

    it("L11 a rollback of the caller's transaction leaves nothing: no job, no key, no row", async ({ skip }) => {
      const sql = store.sql(skip);
      const table = `mine_${Date.now()}`;
      const uniqueKey = store.key("rolled-back");
      const held = await store.enqueueOne();
      await sql.query(`CREATE TABLE ${table} (name VARCHAR(20))`);
      const refusal = new TypeError("the caller changed its mind");
      const act = sql.transaction(async (tx) => {
        await tx.query(`INSERT INTO ${table} VALUES ('a')`);
        await store.transporter.enqueue([{ job: store.job({ uniqueKey }) }], { tx });
        await store.transporter.amend([held], { kind: "cancel", reason: "test" }, { tx });
        throw refusal;
      });
      await expect(act).rejects.toBe(refusal);
      expect(await store.ready()).toEqual([held]);
      expect((await sql.query(`SELECT name FROM ${table}`)).rows).toEqual([]);
      expect(one(await store.transporter.enqueue([{ job: store.job({ uniqueKey }) }])).state).toBe("added");
    });

    it("L11 a method that throws within a transaction has changed nothing, and the transaction goes on", async ({
      skip,
    }) => {
      const sql = store.sql(skip);
      const uniqueKey = store.key("held");
      await store.enqueueOne({ name: "holder", uniqueKey });
      await sql.transaction(async (tx) => {
        const flow = store.flow([{ jobs: [{ name: "lost" }, { uniqueKey }] }]);
        await expect(store.transporter.enqueue([{ flow }], { tx })).rejects.toMatchObject({ code: "unique_key_taken" });
        await store.transporter.enqueue([{ job: store.job({ name: "kept" }) }], { tx });
      });
      const jobs = await store.transporter.list({ queue: store.queue, limit: 10 });
      expect(jobs.map(({ name }) => name)).toEqual(["holder", "kept"]);
    });

    it("L11 a transaction of another store, or one that has ended, is refused", async ({ skip }) => {
      const sql = store.sql(skip);
      const items = [{ job: store.job() }];
      const foreign = { query: async () => ({ rows: [], changes: 0 }) };
      await expect(store.transporter.enqueue(items, { tx: foreign })).rejects.toMatchObject({
        code: "transaction_foreign",
      });
      const tx = await sql.transaction(async (open) => open);
      await expect(store.transporter.enqueue(items, { tx })).rejects.toMatchObject({
        code: expect.stringMatching(/^transaction_(expired|foreign)$/),
      });
      expect(await store.ready()).toEqual([]);
    });

    it("L11 a statement of the caller's that fails rejects with its cause, and leaves the store working", async ({
      skip,
    }) => {
      const sql = store.sql(skip);
      await expect(sql.query("INSERT INTO no_such_table VALUES (1)")).rejects.toThrow(/no_such_table/);
      expect(await sql.query("SELECT 1 AS one")).toMatchObject({ rows: [{ one: 1 }] });
      expect(await store.enqueueOne()).toMatch(/^\d+$/);
    });

    it("the notifier hints at queues where jobs got ready, here and from another connection", async () => {
      const second = await store.second();
      const heard = new Set<string>();
      let told: (() => void) | undefined;
      const off = second.onReady((queues) => {
        for (const queue of queues) heard.add(queue);
        told?.();
      });
      const hears = async (queue: string): Promise<void> => {
        while (!heard.has(queue)) await new Promise<void>((resolve) => (told = resolve));
      };
      await second.enqueue([{ job: store.job({ queue: `${store.queue}-own` }) }]);
      await hears(`${store.queue}-own`);
      await store.transporter.enqueue([{ job: store.job({ queue: `${store.queue}-other` }) }]);
      await hears(`${store.queue}-other`);
      off();
      expect([...heard]).toEqual(expect.arrayContaining([`${store.queue}-own`, `${store.queue}-other`]));
    });

    it("start and stop are safe to call twice; what is asked before a stop is done, after it refused with store_stopped", async () => {
      const third = await store.another();
      await third.start();
      const [asked] = await Promise.all([third.enqueue([{ job: store.job() }]), third.stop(), third.stop()]);
      expect(await store.statuses(asked.flatMap(({ ids }) => ids))).toEqual(["queued"]);
      await third.stop();
      await expect(third.claim([store.request()], "m")).rejects.toMatchObject({ code: "store_stopped" });
      await expect(third.get(["1"])).rejects.toMatchObject({ code: "store_stopped" });
    });
  });
}
