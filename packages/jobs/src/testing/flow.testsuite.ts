import { describe, expect, it } from "vitest";
import { Fixture, type Stage, type TransporterSuite, failed, failure, one, retry } from "./fixture.ts";
import { RunningFlow } from "./running-flow.ts";

/** L6: gates, policies, descendants, `onFailed`. */
export function flowSuite(suite: TransporterSuite): void {
  describe(`L6 flows: ${suite.name}`, () => {
    const store = new Fixture(suite);

    const start = (...args: [stages: Stage[], more?: Parameters<Fixture["flow"]>[1]]) =>
      RunningFlow.start(store, ...args);

    it("L6 the stages of a flow open one after the other, each when all before have ended", async () => {
      const flow = await start([{ jobs: ["a", "b"] }, { jobs: ["c"] }, { jobs: ["d", "e"] }]);
      expect(await flow.ready()).toEqual(["a", "b"]);
      await flow.process("a");
      expect(await flow.ready()).toEqual(["b"]);
      await flow.process("b");
      expect(await flow.ready()).toEqual(["c"]);
      await flow.process("c");
      expect(await flow.ready()).toEqual(["d", "e"]);
      await flow.process("d");
      expect(await flow.read()).toMatchObject({ status: "running" });
      await flow.process("e");
      const ended = await flow.read();
      expect(ended.status).toBe("processed");
      expect(ended.finishedAt).toBeGreaterThanOrEqual(ended.createdAt);
      expect(ended.failedJobId).toBeUndefined();
    });

    it("L6 jobs tell their flow, parent and stage; claims carry them", async () => {
      const flow = await start([{ jobs: [{ job: "p", under: [{ jobs: ["x"] }, { jobs: ["y"] }] }] }, { jobs: ["q"] }]);
      expect(await flow.job("p")).toMatchObject({ flowId: flow.flowId, stage: 0, status: "queued" });
      expect((await flow.job("p")).parentId).toBeUndefined();
      expect(await flow.job("y")).toMatchObject({
        flowId: flow.flowId,
        parentId: flow.id("p"),
        stage: 1,
        status: "waiting",
      });
      expect(await flow.job("q")).toMatchObject({ stage: 1 });
      await flow.process("p");
      const claimed = await flow.claim("x");
      expect(claimed).toMatchObject({ flowId: flow.flowId, parentId: flow.id("p") });
      const listed = await store.transporter.list({ flowId: flow.flowId, limit: 10 });
      expect(listed.map(({ name }) => name)).toEqual(["p", "x", "y", "q"]);
    });

    it("L6 a child never starts before its parent is processed; the next stage waits for the whole subtree", async () => {
      const flow = await start([
        { jobs: [{ job: "p", under: [{ jobs: ["x", "y"] }, { jobs: ["z"] }] }, "s"] },
        { jobs: ["last"] },
      ]);
      expect(await flow.ready()).toEqual(["p", "s"]);
      await flow.process("s");
      await flow.process("p");
      expect(await flow.ready()).toEqual(["x", "y"]);
      await flow.process("x");
      await flow.process("y");
      expect(await flow.ready()).toEqual(["z"]);
      await flow.process("z");
      expect(await flow.ready()).toEqual(["last"]);
      await flow.process("last");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a delay in a flow counts from the opening of its gate", async () => {
      const flow = await start([{ jobs: ["a"] }, { jobs: [{ name: "b", delayMs: 5_000 }] }]);
      store.setClock(60_000);
      await flow.process("a");
      expect(await flow.statuses("b")).toEqual(["delayed"]);
      expect((await flow.job("b")).readyAt).toBeGreaterThan((await store.transporter.now()) + 2_000);
      store.setClock(66_000);
      await store.transporter.promote(10);
      expect(await flow.ready()).toEqual(["b"]);
    });

    it("L6 a delayed first stage waits for its time", async () => {
      const flow = await start([{ jobs: [{ name: "a", delayMs: 5_000 }] }]);
      expect(await flow.statuses("a")).toEqual(["delayed"]);
      store.setClock(6_000);
      await store.transporter.promote(10);
      await flow.process("a");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a retry or deferral of a member opens and fails nothing", async () => {
      const flow = await start([{ jobs: [{ job: "p", under: [{ jobs: ["x"] }] }] }, { jobs: ["b"] }]);
      await flow.settle("p", retry());
      await flow.settle("p", { kind: "defer", delayMs: 0 });
      expect(await flow.statuses("p", "x", "b")).toEqual(["queued", "waiting", "waiting"]);
      await flow.process("p");
      expect(await flow.ready()).toEqual(["x"]);
    });

    it("L6 all-processed: siblings of a failed job run to their end, then the later stages fail with its name", async () => {
      const flow = await start([
        { jobs: ["a", "b"] },
        { jobs: ["c"] },
        { jobs: [{ job: "d", under: [{ jobs: ["e"] }] }] },
      ]);
      await flow.fail("a");
      expect(await flow.statuses("a", "b", "c")).toEqual(["failed", "queued", "waiting"]);
      expect((await flow.read()).status).toBe("running");
      await flow.process("b");
      expect(await flow.statuses("c", "d", "e")).toEqual(["failed", "failed", "failed"]);
      for (const name of ["c", "d", "e"]) {
        const job = await flow.job(name);
        expect(job.failure).toMatchObject({
          code: "stage_failed",
          message: expect.stringContaining(flow.id("a")),
        });
        expect(job.finishedAt).toBeDefined();
      }
      expect(await flow.read()).toMatchObject({
        status: "failed",
        failedJobId: flow.id("a"),
        failure: { code: failure.code },
      });
      expect((await flow.read()).finishedAt).toBeDefined();
    });

    it("L6 a failed parent fails its descendants at once, with its name; the siblings go on", async () => {
      const flow = await start([
        { jobs: [{ job: "p", under: [{ jobs: [{ job: "x", under: [{ jobs: ["y"] }] }] }, { jobs: ["z"] }] }, "s"] },
      ]);
      await flow.fail("p");
      for (const name of ["x", "y", "z"]) {
        const job = await flow.job(name);
        expect(job).toMatchObject({ status: "failed", failure: { code: "parent_failed" } });
        expect(job.failure?.message).toContain(flow.id("p"));
      }
      expect(await flow.ready()).toEqual(["s"]);
      expect((await flow.read()).status).toBe("running");
      await flow.process("s");
      expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("p") });
    });

    it("L6 the first failure is the one that is named, also of several", async () => {
      const flow = await start([{ jobs: ["a", "b", "c"] }, { jobs: ["d"] }]);
      await flow.fail("b");
      await flow.fail("a");
      await flow.process("c");
      expect((await flow.read()).failedJobId).toBe(flow.id("b"));
      expect((await flow.job("d")).failure?.message).toContain(flow.id("b"));
    });

    it("L6 fail-fast: the first failure cancels siblings that have used no attempt; running and released ones finish", async () => {
      const jobs: Stage["jobs"] = [
        "running",
        "released",
        "bad",
        { job: "untried", under: [{ jobs: ["child"] }] },
        { name: "later", delayMs: 60_000 },
      ];
      const flow = await start([{ policy: "fail-fast", jobs }, { jobs: ["next"] }]);
      const running = await flow.claim("running");
      await flow.settle("released", retry({ cause: "released" }));
      await flow.fail("bad");
      expect(await flow.statuses("untried", "later", "running", "released", "next")).toEqual([
        "cancelled",
        "cancelled",
        "in_progress",
        "queued",
        "waiting",
      ]);
      expect((await flow.job("untried")).failure).toMatchObject({ code: "cancelled" });
      expect((await flow.job("child")).failure).toMatchObject({ code: "parent_failed" });
      await store.settle(running, { kind: "processed" });
      expect((await flow.read()).status).toBe("running");
      await flow.process("released");
      expect(await flow.statuses("next")).toEqual(["failed"]);
      expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("bad") });
    });

    it("L6 fail-fast: a failure with only untried siblings ends the flow in the same act", async () => {
      const flow = await start([{ policy: "fail-fast", jobs: ["a", "b", "c"] }, { jobs: ["d"] }], { onFailed: {} });
      await flow.fail("a");
      expect(await flow.statuses("b", "c", "d")).toEqual(["cancelled", "cancelled", "failed"]);
      expect((await flow.read()).status).toBe("failed");
      expect(await flow.ready()).toEqual(["on-failed"]);
    });

    it("L6 all-settled: failed and cancelled members open the gate too; only their own children fail", async () => {
      const jobs: Stage["jobs"] = [{ job: "a", under: [{ jobs: ["child"] }] }, "b", "c"];
      const flow = await start([{ policy: "all-settled", jobs }, { jobs: ["next"] }]);
      await flow.fail("a");
      await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" });
      expect(await flow.statuses("child", "next")).toEqual(["failed", "waiting"]);
      await flow.process("c");
      expect(await flow.ready()).toEqual(["next"]);
      await flow.process("next");
      const ended = await flow.read();
      expect(ended.status).toBe("processed");
      expect(ended.failedJobId).toBeUndefined();
    });

    it("L6 three levels: a failure below fails the stages above it, with the name of the job that failed", async () => {
      const flow = await start(
        [
          {
            jobs: [
              {
                job: "top",
                under: [
                  { jobs: [{ job: "middle", under: [{ jobs: ["deep", "beside"] }, { jobs: ["after-deep"] }] }] },
                  { jobs: ["after-middle"] },
                ],
              },
            ],
          },
          { jobs: ["after-top"] },
        ],
        { onFailed: {} },
      );
      await flow.process("top");
      await flow.process("middle");
      await flow.fail("deep");
      expect((await flow.read()).status).toBe("running");
      await flow.process("beside");
      expect(await flow.statuses("after-deep", "after-middle", "after-top")).toEqual(["failed", "failed", "failed"]);
      for (const name of ["after-deep", "after-middle", "after-top"]) {
        expect((await flow.job(name)).failure?.message).toContain(flow.id("deep"));
      }
      expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("deep") });
      expect(await flow.ready()).toEqual(["on-failed"]);
    });

    it("L6 an all-settled stage inside lets the levels above pass", async () => {
      const flow = await start([
        { jobs: [{ job: "p", under: [{ policy: "all-settled", jobs: ["x", "y"] }, { jobs: ["z"] }] }] },
        { jobs: ["q"] },
      ]);
      await flow.process("p");
      await flow.fail("x");
      await flow.process("y");
      await flow.process("z");
      expect(await flow.ready()).toEqual(["q"]);
      await flow.process("q");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 onFailed is removed when the flow is processed", async () => {
      const flow = await start([{ jobs: ["a"] }], { onFailed: {} });
      const { onFailedJobId = "" } = await flow.read();
      expect(await store.status(onFailedJobId)).toBe("waiting");
      await flow.process("a");
      expect(await flow.ready()).toEqual([]);
      expect(await store.transporter.get([onFailedJobId])).toEqual([]);
      expect((await flow.read()).onFailedJobId).toBeUndefined();
    });

    it("L6 onFailed runs whatever ended the flow: an error, an exhausted budget, a crash", async () => {
      for (const outcome of [
        failed(1),
        failed(3),
        { kind: "failed", cause: "crashed", attemptsUsed: 3, crashes: 3, errors: 3, failure },
      ] as const) {
        const flow = await start([{ jobs: ["a"] }], { onFailed: { input: `{"tell":"me"}` } });
        await flow.settle("a", outcome);
        const { onFailedJobId } = await flow.read();
        const claimed = one(await store.claim({ names: ["on-failed"] }));
        expect(claimed).toMatchObject({ id: onFailedJobId, flowId: flow.flowId, input: `{"tell":"me"}` });
        expect(await store.settle(claimed, { kind: "processed" })).toEqual({ state: "applied" });
        expect((await flow.read()).status).toBe("failed");
      }
    });

    it("L6 onFailed runs when the last attempt died with its worker and was rescued", async () => {
      const second = await store.second();
      const flow = await start([{ jobs: ["a"] }, { jobs: ["b"] }], { onFailed: {} });
      await flow.claim("a");
      store.setClock(60_000);
      const { id, fence, version } = one(await second.expired(10));
      const outcome = {
        kind: "failed",
        cause: "lost",
        attemptsUsed: 3,
        crashes: 0,
        errors: 2,
        failure: { code: "attempts_exhausted", message: "3 of 3" },
      } as const;
      expect(await second.settle([{ id, fence, version, outcome, expiredOnly: true }])).toEqual([{ state: "applied" }]);
      expect(await flow.ready()).toEqual(["on-failed"]);
      expect(await flow.read()).toMatchObject({ status: "failed", failure: { code: "attempts_exhausted" } });
      expect(await flow.statuses("b")).toEqual(["failed"]);
    });

    it("L6 cancel of a ready or a running member ends the flow as cancelled, and onFailed runs", async () => {
      for (const running of [false, true]) {
        const flow = await start([{ jobs: ["a"] }, { jobs: ["b"] }], { onFailed: {} });
        const claimed = running ? await flow.claim("a") : undefined;
        await store.transporter.amend([flow.id("a")], { kind: "cancel", reason: "test" });
        if (claimed !== undefined) {
          expect((await flow.read()).status).toBe("running");
          await store.settle(claimed, { kind: "cancelled", failure: { code: "cancelled", message: "asked to" } });
        }
        expect(await flow.read()).toMatchObject({
          status: "cancelled",
          failedJobId: flow.id("a"),
          failure: { code: "cancelled" },
        });
        expect(await flow.statuses("a", "b")).toEqual(["cancelled", "failed"]);
        expect(await store.processReady(["on-failed"])).toHaveLength(1);
      }
    });

    it("L6 onFailed with a delay comes after it; its own failure changes nothing of the flow", async () => {
      const flow = await start([{ jobs: ["a"] }], { onFailed: { delayMs: 5_000 } });
      await flow.fail("a");
      const ended = await flow.read();
      expect(await store.status(ended.onFailedJobId ?? "")).toBe("delayed");
      store.setClock(6_000);
      await store.transporter.promote(10);
      await store.settle(one(await store.claim({ names: ["on-failed"] })), failed());
      expect(await flow.read()).toEqual(ended);
    });

    it("L6 a gated job that is cancelled takes its descendants along; its stage fails when its turn comes", async () => {
      const flow = await start([{ jobs: ["a"] }, { jobs: [{ job: "b", under: [{ jobs: ["c"] }] }, "d"] }]);
      expect(await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" })).toEqual([
        { state: "applied" },
      ]);
      expect(await flow.statuses("a", "b", "c", "d")).toEqual(["queued", "cancelled", "failed", "waiting"]);
      expect((await flow.job("c")).failure).toMatchObject({ code: "parent_failed" });
      expect((await flow.read()).status).toBe("running");
      await flow.process("a");
      await flow.process("d");
      expect(await flow.read()).toMatchObject({ status: "cancelled", failedJobId: flow.id("b") });
    });

    it("L6 a gated stage whose members were all cancelled is passed over or fails when its turn comes", async () => {
      for (const [policy, status, next] of [
        ["all-settled", "running", "queued"],
        ["all-processed", "cancelled", "failed"],
      ] as const) {
        const flow = await start([{ jobs: ["a"] }, { policy, jobs: ["b"] }, { jobs: ["c"] }]);
        await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" });
        await flow.process("a");
        expect(await flow.statuses("c")).toEqual([next]);
        expect((await flow.read()).status).toBe(status);
      }
    });

    it("L6 fail-fast: a member cancelled behind the gate is the first failure when the gate opens", async () => {
      const flow = await start([{ jobs: ["a"] }, { policy: "fail-fast", jobs: ["b", "c"] }, { jobs: ["d"] }]);
      await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" });
      await flow.process("a");
      expect(await flow.statuses("b", "c", "d")).toEqual(["cancelled", "cancelled", "failed"]);
      expect(await flow.read()).toMatchObject({ status: "cancelled", failedJobId: flow.id("b") });
    });

    it("L6 siblings that end at once, on two connections: the next stage opens once", async () => {
      const second = await store.second();
      const names = Array.from({ length: 20 }, (_, index) => `m${index}`);
      const flow = await start([{ jobs: names }, { jobs: ["next"] }]);
      const claimed = await store.claim({ names });
      await Promise.all(
        claimed.map(({ id, fence, version }, index) =>
          (index % 2 === 0 ? store.transporter : second).settle([
            { id, fence, version, outcome: { kind: "processed" } },
          ]),
        ),
      );
      expect(await flow.ready()).toEqual(["next"]);
      await flow.process("next");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 members settled in one call end their flow in that call", async () => {
      const flow = await start([{ jobs: ["a", "b", "c"] }], { onFailed: {} });
      const claimed = await store.claim({ names: ["a", "b", "c"] });
      const results = await store.transporter.settle(
        claimed.map(({ id, fence, version }, index) => ({
          id,
          fence,
          version,
          outcome: index === 1 ? failed() : { kind: "processed" as const },
        })),
      );
      expect(results.map(({ state }) => state)).toEqual(["applied", "applied", "applied"]);
      expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("b") });
    });

    it("L6 a flow of 300 stages and one of 32 levels run through", async () => {
      const many = await start(Array.from({ length: 300 }, () => ({ jobs: ["work"] })));
      for (let step = 0; step < 300; step += 1) expect(await store.processReady()).toHaveLength(1);
      expect((await many.read()).status).toBe("processed");
      const levels = Array.from({ length: 31 }).reduce<Stage[]>(
        (then) => [{ jobs: [{ job: "work", under: then }] }],
        [{ jobs: ["work"] }],
      );
      const deep = await start(levels);
      for (let level = 0; level < 32; level += 1) expect(await store.processReady()).toHaveLength(1);
      expect((await deep.read()).status).toBe("processed");
    });

    it("L6 a cancelled gated chain of all-settled stages opens through to the first that can run", async () => {
      const stages = Array.from({ length: 500 }, (_, index): Stage => ({ policy: "all-settled", jobs: [`s${index}`] }));
      const flow = await start([{ jobs: ["a"] }, ...stages, { jobs: ["last"] }]);
      const gated = stages.map((_, index) => flow.id(`s${index}`));
      await store.transporter.amend(gated, { kind: "cancel", reason: "test" });
      await flow.process("a");
      expect(await flow.ready()).toEqual(["last"]);
    });
  });
}
