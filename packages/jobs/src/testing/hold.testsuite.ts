import { describe, expect, it } from "vitest";
import type { JobId } from "../core/job.ts";
import type { AmendResult, Change } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, failed, one, retry } from "./fixture.ts";

/** L6: cancel, hold and priority for a job alone or with its descendants. */
export function holdSuite(suite: TransporterSuite): void {
  describe(`L6 holds: ${suite.name}`, () => holdLaws(suite));
  describe(`L6 acts with descendants: ${suite.name}`, () => descendantLaws(suite));
}

const applied: AmendResult = { state: "applied" };
const cancel = { kind: "cancel", reason: "not wanted any more" } as const;

function holdLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  const act = (kind: "hold" | "unhold" | "direct", ...ids: JobId[]): Promise<AmendResult[]> =>
    store.transporter.amend(ids, { kind });

  it("L6 a held job is not claimed, and says since when; unheld it has its place in line again", async () => {
    const [first, second] = await store.enqueue({}, {});
    expect(await act("hold", first ?? "")).toEqual([applied]);
    const { status, heldAt = 0 } = await store.get(first ?? "");
    expect(status).toBe("queued");
    expect(Math.abs(heldAt - (await store.transporter.now()))).toBeLessThan(60_000);
    store.setClock(5_000);
    expect(await act("hold", first ?? "")).toEqual([applied]);
    expect((await store.get(first ?? "")).heldAt).toBe(heldAt);
    expect((await store.claim()).map(({ id }) => id)).toEqual([second]);
    const third = await store.enqueueOne();
    expect(await act("unhold", first ?? "")).toEqual([applied]);
    expect((await store.get(first ?? "")).heldAt).toBeUndefined();
    expect((await store.claim()).map(({ id }) => id)).toEqual([first, third]);
  });

  it("L6 what comes while it is held still comes: its time, a wake; what it would be without the hold goes on", async () => {
    const wakeKey = store.key("w");
    const [delayed, woken] = await store.enqueue({ delayMs: 60_000 }, { delayMs: 60_000, wakeKey });
    await act("hold", delayed ?? "", woken ?? "");
    expect(await store.transporter.wake([wakeKey])).toBe(1);
    store.setClock(90_000);
    expect(await store.transporter.promote(10)).toEqual({ promoted: 1 });
    expect(await store.statuses([delayed ?? "", woken ?? ""])).toEqual(["queued", "queued"]);
    expect(await store.claim()).toEqual([]);
    await act("unhold", delayed ?? "", woken ?? "");
    expect((await store.claim()).map(({ id }) => id)).toEqual([delayed, woken]);
  });

  it("L6 what runs is held from its release on: the release meets the new version, and the job waits", async () => {
    const id = await store.enqueueOne();
    const claimed = await store.claimOne();
    expect(await act("hold", id)).toEqual([applied]);
    expect(await store.transporter.renew([{ id, fence: claimed.fence, leaseMs: 10_000 }])).toEqual(["renewed"]);
    const refusal = await store.settle(claimed, retry({ cause: "released" }));
    expect(refusal).toMatchObject({ state: "refused", why: "version" });
    const { version } = await store.get(id);
    expect(await store.settle(claimed, retry({ cause: "released" }), { version })).toEqual({ state: "applied" });
    expect(await store.status(id)).toBe("queued");
    expect(await store.claim()).toEqual([]);
    await act("unhold", id);
    expect((await store.claimOne()).fence).toBe(claimed.fence + 1);
  });

  it("L6 a held job that runs may end; final jobs refuse hold and unhold; a retry by hand ends the hold", async () => {
    const id = await store.enqueueOne();
    const claimed = await store.claimOne();
    await act("hold", id);
    expect(await store.settle(claimed, failed())).toEqual({ state: "applied" });
    expect(await act("hold", id)).toEqual([{ state: "refused", status: "failed" }]);
    expect(await act("unhold", id, "9007199254740991")).toEqual([
      { state: "refused", status: "failed" },
      { state: "refused", status: "unknown" },
    ]);
    expect(await store.transporter.amend([id], { kind: "retry" })).toEqual([applied]);
    expect((await store.claimOne()).id).toBe(id);
  });

  it("L5 L6 a held job refuses to be directed, a directed one that is held goes back behind the others", async () => {
    const [held, directed, plain] = await store.enqueue({}, { delayMs: 60_000, priority: 90 }, {});
    await act("hold", held ?? "");
    expect(await act("direct", held ?? "")).toEqual([{ state: "refused", status: "queued", why: "held" }]);
    expect(await act("direct", directed ?? "")).toEqual([applied]);
    await act("hold", directed ?? "");
    expect((await store.claim()).map(({ id }) => id)).toEqual([plain]);
    await act("unhold", held ?? "", directed ?? "");
    const claimed = await store.claim();
    expect(claimed.map(({ id }) => id)).toEqual([held, directed]);
    expect(claimed.some((job) => job.directed)).toBe(false);
  });

  it("L6 a hold in a transaction that rolls back holds nothing", async ({ skip }) => {
    const sql = store.sql(skip);
    const id = await store.enqueueOne();
    const rolledBack = sql.transaction(async (tx) => {
      await store.transporter.amend([id], { kind: "hold" }, { tx });
      throw new RangeError("rolled back");
    });
    await expect(rolledBack).rejects.toThrow("rolled back");
    expect((await store.claimOne()).id).toBe(id);
  });

  for (const kind of ["hold", "cancel"] as const) {
    it(`L14 ${kind} of the job that a freed key was waiting for lets the next of its key in`, async () => {
      await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
      const ids = await store.enqueue({ limitKey: "a" }, { limitKey: "a" }, { limitKey: "a" });
      const [running] = await store.claim();
      expect(running?.id).toBe(ids[0]);
      await store.settle(running!, { kind: "processed" });
      await store.transporter.amend([ids[1] ?? ""], kind === "hold" ? { kind } : cancel);
      expect((await store.claim()).map(({ id }) => id)).toEqual([ids[2]]);
    });
  }

  it("L15 L16 the oldest wait is not that of a held job; aging does not bring one in", async () => {
    await store.transporter.queues.configure(store.queue, { agingMs: 1 });
    const id = await store.enqueueOne();
    await act("hold", id);
    store.setClock(60_000);
    expect(await store.claim()).toEqual([]);
    const line = (await store.transporter.sight.counts()).find(({ queue }) => queue === store.queue);
    expect(line?.counts.queued).toBe(1);
    expect(line?.oldestWaitMs).toBeUndefined();
  });
}

function descendantLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);

  /** a → (b → (d), c), and e behind them; by name. */
  async function family(): Promise<Record<"a" | "b" | "c" | "d" | "e", JobId>> {
    const under = [{ jobs: [{ job: "b", under: [{ jobs: ["d"] }] }, "c"] }];
    const flow = store.flow([{ jobs: [{ job: "a", under }] }, { jobs: ["e"] }]);
    const { ids } = one(await store.transporter.enqueue([{ flow }]));
    const named = flow.jobs.map(({ name }, index) => [name, ids[index]]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are those of the flow
    return Object.fromEntries(named) as Record<"a" | "b" | "c" | "d" | "e", JobId>;
  }
  const names = ["a", "b", "c", "d", "e"];
  const amend = (id: JobId, change: Change): Promise<AmendResult[]> => store.transporter.amend([id], change);
  const heldOf = async (jobs: Record<string, JobId>): Promise<string> => {
    const found = await store.transporter.get(Object.values(jobs));
    return found.flatMap(({ name, heldAt }) => (heldAt === undefined ? [] : [name])).join("");
  };

  it("L6 a hold of a job alone leaves those below it; with its descendants it holds them, not what stands beside or behind", async () => {
    const jobs = await family();
    expect(await amend(jobs.b, { kind: "hold" })).toEqual([applied]);
    expect(await heldOf(jobs)).toBe("b");
    expect(await amend(jobs.b, { kind: "hold", descendants: true })).toEqual([{ state: "applied", descendants: 1 }]);
    expect(await heldOf(jobs)).toBe("bd");
    expect(await amend(jobs.a, { kind: "unhold", descendants: true })).toEqual([{ state: "applied", descendants: 3 }]);
    expect(await heldOf(jobs)).toBe("");
    expect(await amend(jobs.e, { kind: "hold", descendants: true })).toEqual([{ state: "applied", descendants: 0 }]);
    expect(await heldOf(jobs)).toBe("e");
  });

  it("L6 held behind its gate it waits there when the gate opens; the stage waits for it", async () => {
    const jobs = await family();
    await amend(jobs.b, { kind: "hold", descendants: true });
    expect(await store.processReady(names)).toEqual([jobs.a]);
    expect(await store.processReady(names)).toEqual([jobs.c]);
    expect(await store.statuses([jobs.b, jobs.d, jobs.e])).toEqual(["queued", "waiting", "waiting"]);
    expect(await store.processReady(names)).toEqual([]);
    await amend(jobs.b, { kind: "unhold" });
    expect(await store.processReady(names)).toEqual([jobs.b]);
    expect(await store.processReady(names)).toEqual([]);
    // The parent is processed and refuses for itself: those below it are what is meant.
    expect(await amend(jobs.b, { kind: "unhold" })).toEqual([{ state: "refused", status: "processed" }]);
    expect(await amend(jobs.b, { kind: "unhold", descendants: true })).toEqual([{ state: "applied", descendants: 1 }]);
    expect(await store.processReady(names)).toEqual([jobs.d]);
    expect(await store.processReady(names)).toEqual([jobs.e]);
    const again = await amend(jobs.b, { kind: "hold", descendants: true });
    expect(again).toEqual([{ state: "refused", status: "processed" }]);
  });

  it("L1 L6 priority with the descendants sets theirs, whatever their status", async () => {
    const jobs = await family();
    await store.processReady(names);
    const change = { kind: "priority", priority: 200, descendants: true } as const;
    expect(await amend(jobs.a, change)).toEqual([{ state: "applied", descendants: 3 }]);
    const found = await store.transporter.get(Object.values(jobs));
    expect(found.map(({ name, priority, basePriority }) => [name, priority, basePriority])).toEqual([
      ["a", 100, 100],
      ["b", 200, 200],
      ["d", 200, 200],
      ["c", 200, 200],
      ["e", 100, 100],
    ]);
  });

  it("L6 cancel with the descendants reaches those below a processed job: what runs is asked, what waits is cancelled", async () => {
    const jobs = await family();
    await store.processReady(names);
    const running = await store.claimOne({ names: ["b"] });
    expect(await amend(jobs.a, cancel)).toEqual([{ state: "refused", status: "processed" }]);
    expect(await amend(jobs.a, { ...cancel, descendants: true })).toEqual([{ state: "applied", descendants: 3 }]);
    expect(await store.get(jobs.b)).toMatchObject({ status: "in_progress", cancelRequested: true });
    expect(await store.statuses([jobs.c, jobs.d])).toEqual(["cancelled", "cancelled"]);
    // It was processed all the same: that counts, and nothing below it starts any more.
    expect(await store.settle(running, { kind: "processed" })).toEqual({ state: "applied" });
    expect(await store.processReady(names)).toEqual([]);
    expect(await store.transporter.flow((await store.get(jobs.a)).flowId ?? "")).toMatchObject({ status: "cancelled" });
  });

  it("L6 L10 a retry by hand ends the hold of the job that is named; those that come back with it stay held", async () => {
    const jobs = await family();
    await store.processReady(names);
    await amend(jobs.b, { kind: "hold", descendants: true });
    await amend(jobs.b, cancel);
    expect(await store.statuses([jobs.b, jobs.d])).toEqual(["cancelled", "failed"]);
    expect(await amend(jobs.b, { kind: "retry" })).toEqual([applied]);
    expect(await heldOf(jobs)).toBe("d");
    await store.processReady(names);
    expect(await store.statuses([jobs.b, jobs.c, jobs.d])).toEqual(["processed", "processed", "queued"]);
    await amend(jobs.d, { kind: "unhold" });
    expect(await store.processReady(names)).toEqual([jobs.d]);
  });
}
