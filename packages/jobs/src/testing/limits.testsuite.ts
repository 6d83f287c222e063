import { describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import type { Claimed, Transporter } from "../transporters/transporter.ts";
import { failed, Fixture, retry, type TransporterSuite } from "./fixture.ts";

/** L2's pause and L14's limits: what a queue's settings hold back, on all hosts together, and what they cost the others. */
export function limitsSuite(suite: TransporterSuite): void {
  describe(`L2 pause, settings of queues: ${suite.name}`, () => pauseLaws(suite));
  describe(`L14 limits of queues and keys: ${suite.name}`, () => limitLaws(suite));
}

function pauseLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);

  it("L2 a paused queue gives nothing, another one all; resumed it gives what has waited", async () => {
    const other = `${store.queue}-other`;
    const [held] = await store.enqueue({ priority: 255 });
    const [free] = await store.enqueue({ queue: other });
    await store.transporter.queues.configure(store.queue, { paused: true });
    expect(await store.claim()).toEqual([]);
    expect((await store.claim({ queue: other })).map(({ id }) => id)).toEqual([free]);
    await store.transporter.queues.configure(store.queue, { paused: false });
    expect((await store.claim()).map(({ id }) => id)).toEqual([held]);
  });

  it("L2 a pause leaves what runs alone and is hinted at when it ends", async () => {
    const told: string[] = [];
    const unsubscribe = store.transporter.onReady((queues) => told.push(...queues));
    await store.enqueue({}, {});
    const claimed = await store.claimOne();
    await store.transporter.queues.configure(store.queue, { paused: true });
    expect(await store.settle(claimed, { kind: "processed" })).toEqual({ state: "applied" });
    told.length = 0;
    await store.transporter.queues.configure(store.queue, { paused: false });
    await expect.poll(() => told).toContain(store.queue);
    unsubscribe();
  });

  it("settings that are not named stay, null takes a limit away, and any host reads what holds", async () => {
    const { queues } = store.transporter;
    await queues.configure(store.queue, {
      weight: 3,
      concurrency: 5,
      ratePerSecond: 2.5,
      rateBurst: 7,
      agingMs: 60_000,
    });
    const after = await queues.configure(store.queue, { concurrency: null, keyConcurrency: 2 });
    const expected = {
      paused: false,
      weight: 3,
      concurrency: null,
      keyConcurrency: 2,
      ratePerSecond: 2.5,
      rateBurst: 7,
      agingMs: 60_000,
      depthMax: null,
    };
    expect(after).toEqual(expected);
    const seen = await (await store.second()).queues.list();
    expect(seen.find(({ queue }) => queue === store.queue)).toEqual({ queue: store.queue, ...expected, tokens: 7 });
  });
}

function limitLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);

  it("L14 no more jobs of a queue run than its concurrency, on all hosts together and in both lanes", async () => {
    await store.transporter.queues.configure(store.queue, { concurrency: 3 });
    await store.enqueue({}, {}, {}, { lane: "long" }, {});
    const other = await store.second();
    const first = await store.claim({ limit: 2 });
    expect(first).toHaveLength(2);
    expect(await other.claim([store.request(), store.request({ lane: "long" })], "m2")).toHaveLength(1);
    expect(await store.claim()).toEqual([]);
    await store.settle(first[0]!, { kind: "processed" });
    expect(await other.claim([store.request()], "m2")).toHaveLength(1);
    expect(await store.claim()).toEqual([]);
  });

  it("L14 a limit that is turned on counts what runs already", async () => {
    await store.enqueue({ limitKey: "a" }, { limitKey: "a" }, { limitKey: "a" }, { limitKey: "b" });
    const running = await store.claim({ limit: 2 });
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 2 });
    expect(await store.claim()).toHaveLength(1);
    await store.settle(running[0]!, { kind: "processed" });
    expect(await store.claim()).toHaveLength(1);
    await store.transporter.queues.configure(store.queue, { keyConcurrency: null, concurrency: 2 });
    await store.enqueue({});
    expect(await store.claim()).toEqual([]);
  });

  it("L14 a full key holds back its own jobs only, and its best comes next when it is free", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const ids = await store.enqueue(
      { limitKey: "a", priority: 200 },
      { limitKey: "a", priority: 150 },
      { limitKey: "a", priority: 180 },
      { limitKey: "b", priority: 10 },
      { priority: 5 },
      { priority: 5 },
    );
    const claimed = await store.claim();
    expect(claimed.map(({ id }) => id)).toEqual([ids[0], ids[3], ids[4], ids[5]]);
    expect(await store.statuses([ids[1]!, ids[2]!])).toEqual(["queued", "queued"]);
    await store.settle(claimed[0]!, { kind: "processed" });
    const [next] = await store.claim();
    expect(next?.id).toBe(ids[2]);
    await store.settle(next!, failed());
    expect((await store.claim()).map(({ id }) => id)).toEqual([ids[1]]);
  });

  it("L14 every end of an attempt frees the key: processed, failed, retried, deferred, rescued", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const ends = [
      { kind: "processed" } as const,
      failed(),
      retry({ delayMs: 60_000 }),
      { kind: "defer", delayMs: 60_000 } as const,
    ];
    for (const outcome of ends) {
      const key = store.key(outcome.kind);
      const [first, second] = await store.enqueue({ limitKey: key, priority: 200 }, { limitKey: key });
      const [claimed] = await store.claim();
      expect(claimed?.id).toBe(first);
      expect(await store.claim()).toEqual([]);
      await store.settle(claimed!, outcome);
      const again = await store.claimOne();
      expect(again.id, outcome.kind).toBe(second);
      await store.settle(again, { kind: "processed" });
    }
    const [lost, waiting] = await store.enqueue({ limitKey: "lost", priority: 200 }, { limitKey: "lost" });
    expect((await store.claim()).map(({ id }) => id)).toEqual([lost]);
    expect(await store.claim()).toEqual([]);
    store.setClock(10_001);
    const [expired] = await store.transporter.expired(10);
    await store.settle(expired!, retry({ cause: "lost", delayMs: 60_000 }), { expiredOnly: true });
    expect((await store.claim()).map(({ id }) => id)).toEqual([waiting]);
  });

  it("L14 a job set aside for its key can be cancelled, given another priority and retried like any other", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const [first, second, third] = await store.enqueue(
      { limitKey: "a", priority: 200 },
      { limitKey: "a" },
      { limitKey: "a" },
    );
    const running = await store.claim();
    expect(running.map(({ id }) => id)).toEqual([first]);
    await store.transporter.amend([second!], { kind: "cancel", reason: "not needed" });
    await store.transporter.amend([second!], { kind: "retry" });
    await store.transporter.amend([third!], { kind: "priority", priority: 250 });
    expect(await store.claim()).toEqual([]);
    await store.settle(running[0]!, { kind: "processed" });
    const [next] = await store.claim();
    expect(next?.id).toBe(third);
    await store.settle(next!, { kind: "processed" });
    expect((await store.claim()).map(({ id }) => id)).toEqual([second]);
  });

  it("L14 a name that nobody here runs does not keep its key's other jobs waiting", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const names = ["work", "foreign"];
    const [first] = await store.enqueue({ limitKey: "a", priority: 200 });
    await store.enqueue({ limitKey: "a", name: "foreign", priority: 150 });
    const [ours] = await store.enqueue({ limitKey: "a" });
    const [running] = await store.claim({ names });
    expect(running?.id).toBe(first);
    expect(await store.claim({ names })).toEqual([]);
    await store.settle(running!, { kind: "processed" });
    expect((await store.claim()).map(({ id }) => id)).toEqual([ours]);
  });

  it("L14 L2 a thousand jobs of a full key are passed once, in bounded steps that the store hints to go on with", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const flood = Array.from({ length: limits.parkedPerClaimMax + 200 }, () => ({ limitKey: "a", priority: 200 }));
    await store.enqueue(...flood);
    const behind = await store.enqueueOne({ limitKey: "b" });
    const told: string[] = [];
    const unsubscribe = store.transporter.onReady((queues) => told.push(...queues));
    expect(await store.claim({ limit: 5 })).toHaveLength(1);
    await expect.poll(() => told).toContain(store.queue);
    expect((await store.claim({ limit: 5 })).map(({ id }) => id)).toEqual([behind]);
    unsubscribe();
    // Set aside and still waiting like any other.
    expect(await store.transporter.list({ queue: store.queue, status: "queued", limit: 1_000 })).toHaveLength(1_000);
  });

  it("L14 a raised or removed key limit brings back what was set aside, in bounded parts", async () => {
    const { queues } = store.transporter;
    await queues.configure(store.queue, { keyConcurrency: 1 });
    await store.enqueue(...Array.from({ length: 25 }, () => ({ limitKey: "a" })));
    expect(await store.claim()).toHaveLength(1);
    await queues.configure(store.queue, { keyConcurrency: 4 });
    let back = 0;
    for (let part = 0; part < 4; part += 1) back += (await store.transporter.promote(10)).promoted;
    expect(back).toBe(24);
    expect(await store.claim()).toHaveLength(3);
    await queues.configure(store.queue, { keyConcurrency: null });
    while ((await store.transporter.promote(10)).promoted > 0);
    expect(await store.claim()).toHaveLength(21);
  });

  it("L14 a rate lets its burst go at once and then so many per second of the store's clock", async () => {
    await store.transporter.queues.configure(store.queue, { ratePerSecond: 10, rateBurst: 4 });
    await store.enqueue(...Array.from({ length: 30 }, () => ({})));
    const tokens = async (): Promise<number | undefined> =>
      (await store.transporter.queues.list()).find(({ queue }) => queue === store.queue)?.tokens;
    expect(await tokens()).toBe(4);
    expect(await store.claim()).toHaveLength(4);
    store.setClock(60_000);
    expect(await tokens()).toBe(4);
    expect(await store.claim({ limit: 3 })).toHaveLength(3);
    expect((await store.claim()).length).toBeLessThanOrEqual(1 + 5);
    store.setClock(600_000);
    expect(await store.claim()).toHaveLength(4);
  });

  it("L14 an enqueue that would pass a queue's depth is refused whole with queue_full, the numbers and the way out", async () => {
    await store.transporter.queues.configure(store.queue, { depthMax: 5 });
    await store.enqueue({}, { delayMs: 60_000 }, {});
    const other = `${store.queue}-other`;
    const refusal = store.enqueue({ queue: other }, {}, {}, {});
    await expect(refusal).rejects.toMatchObject({
      code: "queue_full",
      message: expect.stringContaining("holds 3 jobs, 3 more"),
    });
    await expect(store.enqueue({}, {}, {})).rejects.toThrow(/depthMax of 5.*queues\.configure/);
    expect(await store.transporter.list({ queue: other, limit: 1 })).toEqual([]);
    await store.enqueue({}, {});
    await expect(store.enqueueOne()).rejects.toMatchObject({ code: "queue_full" });
    // What runs is no backlog any more.
    expect(await store.claim({ limit: 2 })).toHaveLength(2);
    await store.enqueue({}, {});
    await store.transporter.queues.configure(store.queue, { depthMax: null });
    await store.enqueue({}, {}, {});
  });

  it("L14 a flow counts by the queues of its jobs, those behind gates too, and jobs of other queues are no matter", async () => {
    await store.transporter.queues.configure(store.queue, { depthMax: 3 });
    const flow = store.flow([{ jobs: ["work"] }, { jobs: ["work", "work", "work"] }]);
    await expect(store.transporter.enqueue([{ flow }])).rejects.toMatchObject({ code: "queue_full" });
    await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["work"] }, { jobs: ["work", "work"] }]) }]);
    await store.enqueue({ queue: `${store.queue}-other` }, { queue: `${store.queue}-other` });
  });

  it("L14 thirty claimants at once never overshoot a queue's and a key's limit", async () => {
    await store.transporter.queues.configure(store.queue, { concurrency: 7, keyConcurrency: 2 });
    await store.enqueue(...Array.from({ length: 60 }, (_, index) => ({ limitKey: `k${index % 5}` })));
    const hosts: Transporter[] = [store.transporter, await store.second()];
    const claims = await Promise.all(
      Array.from({ length: 30 }, (_, index) => hosts[index % 2]!.claim([store.request({ limit: 3 })], `m${index}`)),
    );
    const running = claims.flat();
    expect(running).toHaveLength(7);
    for (let rounds = 0; running.length > 0; rounds += 1) {
      expect(rounds).toBeLessThan(60);
      const ending = running.splice(0, 2);
      const [, ...more] = await Promise.all([
        hosts[rounds % 2]!.settle(
          ending.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })),
        ),
        ...hosts.map((host) => host.claim([store.request({ limit: 3 })], "m")),
      ]);
      running.push(...more.flat());
      running.push(...(await store.claim()));
      await expectWithin(store, running, 7, 2);
    }
    expect(await store.transporter.list({ queue: store.queue, status: "processed", limit: 100 })).toHaveLength(60);
  });
}

async function expectWithin(
  store: Fixture,
  running: readonly Claimed[],
  queueMax: number,
  keyMax: number,
): Promise<void> {
  expect(running.length).toBeLessThanOrEqual(queueMax);
  const jobs = await store.transporter.get(running.map(({ id }) => id));
  const byKey = new Map<string, number>();
  for (const { limitKey = "" } of jobs) byKey.set(limitKey, (byKey.get(limitKey) ?? 0) + 1);
  for (const [key, n] of byKey) if (key !== "") expect(n, key).toBeLessThanOrEqual(keyMax);
}
