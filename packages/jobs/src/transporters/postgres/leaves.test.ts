import { beforeEach, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { JobStatus } from "../../core/job.ts";
import { Fixture, failed, one } from "../../testing/fixture.ts";
import { RunningFlow } from "../../testing/running-flow.ts";
import type { Claimed, Outcome, Settlement } from "../transporter.ts";
import { settingsOf } from "./options.ts";
import { PostgresTransporter } from "./postgres.ts";

const day = 24 * 3_600_000;

function ends(claimed: Claimed, outcome: Outcome = { kind: "processed" }): Settlement {
  const { id, fence, version } = claimed;
  return { id, fence, version, outcome };
}

/** Members of flows that end on the road (`sql/roads.ts`): what the rows do not say of them any more. */
describe.skipIf(skipReason !== undefined)("PostgreSQL: leaves of flows", () => {
  const test = new TestServer();
  let schema = "";
  const store = new Fixture({
    name: "PostgreSQL",
    create: async () => {
      schema = test.freshSchema();
      const open = (): PostgresTransporter =>
        new PostgresTransporter(settingsOf({ connectionString: test.server.url, schema }));
      const transporter = open();
      await transporter.start();
      const other = async (): Promise<PostgresTransporter> => {
        const second = open();
        await second.start();
        return second;
      };
      return { transporter, other, dispose: async () => undefined };
    },
  });

  // What earlier tests have left is not this one's to count.
  beforeEach(async () => {
    store.setClock(1_000 * day);
    await store.transporter.keeping.prune({ processedMs: 0, badMs: 0 }, 1_000);
    store.setClock(0);
  });

  /** Which of a flow's jobs have ended without a word in their row, by name. */
  async function onRoad(flow: RunningFlow): Promise<string[]> {
    const { rows } = await store.sql(expect.unreachable).query(
      `SELECT j.name FROM "${schema}".done d JOIN "${schema}".job j ON j.id = d.id
        WHERE j.flow_id = $1 AND j.status = 'queued' AND j.finished_at IS NULL AND j.subtree_ok IS NULL ORDER BY j.id`,
      [flow.flowId],
    );
    return rows.map(({ name }) => String(name));
  }

  async function counted(): Promise<Partial<Record<JobStatus, number>>> {
    const lines = (await store.transporter.sight.counts()).filter(({ queue }) => queue === store.queue);
    const counts = lines[0]?.counts ?? {};
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
  }

  function prune(ageMs: number): Promise<{ jobs: number; flows: number; more: boolean }> {
    store.setClock(ageMs);
    return store.transporter.keeping.prune({ processedMs: day, badMs: 7 * day }, 1_000);
  }

  it("L6 only leaves without a key end on the road; reads, lists and counts say what they are", async () => {
    const parent = { job: "parent", under: [{ jobs: ["child"] }] };
    const keyed = { name: "keyed", uniqueKey: store.key("k") };
    const flow = await RunningFlow.start(store, [{ jobs: ["leaf", parent, keyed, { name: "wakes", wakeKey: "w" }] }]);
    await flow.settle("leaf", { kind: "processed", result: `{"a":1}` });
    for (const name of ["parent", "keyed", "wakes"]) await flow.process(name);
    expect(await onRoad(flow)).toEqual(["leaf"]);
    expect(await flow.job("leaf")).toMatchObject({ status: "processed", result: `{"a":1}`, fence: 1 });
    expect(await counted()).toEqual({ processed: 4, queued: 1 });
    const listed = await store.transporter.list({ queue: store.queue, status: "processed", limit: 10 });
    expect(listed.map(({ name }) => name)).toEqual(["leaf", "parent", "keyed", "wakes"]);
    await flow.process("child");
    expect(await onRoad(flow)).toEqual(["leaf", "child"]);
    expect((await flow.read()).status).toBe("processed");
  });

  it("L3 L6 one batch of leaves, plain jobs, parents, failures and stale fences: each ends as it would alone", async () => {
    for (const plainFirst of [true, false]) {
      const plain = plainFirst ? await store.enqueueOne() : "";
      const flow = await RunningFlow.start(store, [
        { policy: "all-settled", jobs: ["a", { job: "parent", under: [{ jobs: ["child"] }] }, "bad", "stale"] },
        { jobs: ["next"] },
      ]);
      const late = plainFirst ? "" : await store.enqueueOne();
      const names = ["work", "a", "parent", "bad", "stale"];
      const claimed = await store.claim({ names });
      const of = (id: string): Claimed => one(claimed.filter((claim) => claim.id === id));
      const outcomes = claimed.map((claim) =>
        claim.id === flow.id("bad")
          ? ends(claim, failed())
          : claim.id === flow.id("stale")
            ? { ...ends(claim), fence: claim.fence + 1 }
            : ends(claim, { kind: "processed", result: `"of ${claim.id}"` }),
      );
      const results = await store.transporter.settle([...outcomes, ends(of(flow.id("a")))]);
      const refused = [...outcomes.map(({ id }) => id), "again"].filter((_, at) => results[at]?.state === "refused");
      expect(refused).toEqual([flow.id("stale"), "again"]);
      const ended = [plain, late].filter((id) => id !== "").concat(flow.id("a"), flow.id("parent"));
      for (const id of ended) expect(await store.get(id)).toMatchObject({ status: "processed", result: `"of ${id}"` });
      expect(await flow.statuses("bad", "stale", "child", "next")).toEqual([
        "failed",
        "in_progress",
        "queued",
        "waiting",
      ]);
      await flow.process("child");
      expect(await flow.statuses("next")).toEqual(["waiting"]);
      await store.settle(of(flow.id("stale")), { kind: "processed" });
      await flow.process("next");
      expect((await flow.read()).status).toBe("processed");
    }
  });

  it("L6 fail-fast cancels who was never tried, not who has ended on the road", async () => {
    const jobs = ["done", "bad", "untried"];
    const flow = await RunningFlow.start(store, [{ policy: "fail-fast", jobs }, { jobs: ["next"] }]);
    await flow.process("done");
    expect(await onRoad(flow)).toEqual(["done"]);
    await flow.fail("bad");
    expect(await flow.statuses("done", "bad", "untried", "next")).toEqual([
      "processed",
      "failed",
      "cancelled",
      "failed",
    ]);
    expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("bad") });
    expect(await counted()).toEqual({ processed: 1, failed: 2, cancelled: 1 });
  });

  it("L6 L10 a retry counts those that have ended on the road as ended: they do not run again, and the flow completes", async () => {
    const flow = await RunningFlow.start(store, [{ jobs: ["a", "bad", "c"] }, { jobs: ["next"] }]);
    for (const name of ["a", "c"]) await flow.process(name);
    await flow.fail("bad");
    const change = { kind: "retry" } as const;
    expect(await store.transporter.amend([flow.id("a")], change)).toEqual([{ state: "refused", status: "processed" }]);
    expect(await store.transporter.amend([flow.id("bad")], change)).toEqual([{ state: "applied" }]);
    expect(await onRoad(flow)).toEqual(["c"]);
    expect(await flow.statuses("a", "bad", "c", "next")).toEqual(["processed", "queued", "processed", "waiting"]);
    await flow.process("bad");
    expect(await flow.statuses("next")).toEqual(["queued"]);
    await flow.process("next");
    expect((await flow.read()).status).toBe("processed");
    expect(await counted()).toEqual({ processed: 4 });
  });

  it("L6 a cancel with descendants leaves those alone that have ended on the road", async () => {
    const under = [{ jobs: ["done", "ready"] }, { jobs: ["later"] }];
    const flow = await RunningFlow.start(store, [{ jobs: [{ job: "top", under }] }]);
    await flow.process("top");
    await flow.settle("done", { kind: "processed", result: "1" });
    expect(await onRoad(flow)).toEqual(["done"]);
    const cancel = { kind: "cancel", reason: "test", descendants: true } as const;
    expect(await store.transporter.amend([flow.id("top")], cancel)).toEqual([{ state: "applied", descendants: 1 }]);
    expect(await flow.job("done")).toMatchObject({ status: "processed", result: "1" });
    expect(await flow.statuses("ready", "later")).toEqual(["cancelled", "failed"]);
    expect((await flow.read()).status).toBe("cancelled");
    expect(await counted()).toEqual({ processed: 2, cancelled: 1, failed: 1 });
  });

  it("L17 what has ended on the road is kept as long as its flow, and goes with it", async () => {
    const flow = await RunningFlow.start(store, [{ jobs: ["a", "b"] }, { jobs: ["c"] }]);
    const plain = await store.enqueueOne();
    await store.processReady();
    for (const name of ["a", "b"]) await flow.process(name);
    const now = await store.transporter.now();
    expect(await prune(30 * day)).toMatchObject({ jobs: 1, flows: 0 });
    expect(await store.transporter.get([plain])).toEqual([]);
    expect(await flow.statuses("a", "b", "c")).toEqual(["processed", "processed", "queued"]);
    await flow.process("c");
    expect(await onRoad(flow)).toEqual(["a", "b", "c"]);
    expect((await flow.job("c")).finishedAt).toBeGreaterThanOrEqual(now + 29 * day);
    expect(await prune(30 * day)).toMatchObject({ jobs: 0, flows: 0 });
    expect(await prune(32 * day)).toMatchObject({ jobs: 3, flows: 1 });
    expect(await counted()).toEqual({});
    const { rows } = await store.sql(expect.unreachable).query(`SELECT id FROM "${schema}".done`, []);
    expect(rows).toEqual([]);
  });

  it("L17 a flow with a member retried after its end is not pruned, though the others have ended on the road", async () => {
    const flow = await RunningFlow.start(store, [{ policy: "all-settled", jobs: ["a", "bad"] }]);
    await flow.process("a");
    await flow.fail("bad");
    expect((await flow.read()).status).toBe("processed");
    await store.transporter.amend([flow.id("bad")], { kind: "retry" });
    expect(await prune(30 * day)).toMatchObject({ jobs: 0, flows: 0 });
    await flow.process("bad");
    expect(await onRoad(flow)).toEqual(["a", "bad"]);
    expect(await prune(32 * day)).toMatchObject({ jobs: 2, flows: 1 });
  });
});
