import { describe, expect, it } from "vitest";
import { Fixture, type Stage, type TransporterSuite, failed, one, retry } from "./fixture.ts";
import { RunningFlow } from "./running-flow.ts";

/** L6, L10: retry by hand in flows: what a failure closed is opened again. */
export function flowRetrySuite(suite: TransporterSuite): void {
  describe(`L6 L10 retry in flows: ${suite.name}`, () => {
    const store = new Fixture(suite);
    const start = (...args: [stages: Stage[], more?: Parameters<Fixture["flow"]>[1]]) =>
      RunningFlow.start(store, ...args);
    const again = (flow: RunningFlow, name: string) => store.transporter.amend([flow.id(name)], { kind: "retry" });

    it("L6 a retry reopens a failed flow: its descendants and the later stages wait again, and it completes", async () => {
      const later: Stage = { jobs: [{ job: "c", under: [{ jobs: ["d"] }] }] };
      const flow = await start([{ jobs: [{ job: "a", under: [{ jobs: ["x"] }] }, "b"] }, later], { onFailed: {} });
      await flow.process("b");
      await flow.fail("a");
      expect((await flow.read()).status).toBe("failed");
      expect(await again(flow, "a")).toEqual([{ state: "applied" }]);
      const reopened = await flow.read();
      expect(reopened.status).toBe("running");
      expect([reopened.failedJobId, reopened.failure, reopened.finishedAt]).toEqual([undefined, undefined, undefined]);
      expect(await flow.statuses("a", "b", "x", "c", "d")).toEqual([
        "queued",
        "processed",
        "waiting",
        "waiting",
        "waiting",
      ]);
      for (const name of ["x", "c", "d"]) {
        const job = await flow.job(name);
        expect([job.failure, job.finishedAt]).toEqual([undefined, undefined]);
      }
      for (const name of ["a", "x", "c", "d"]) await flow.process(name);
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a retry gives the job a fresh budget and its base priority", async () => {
      const flow = await start([{ jobs: [{ name: "a", priority: 90 }] }]);
      await flow.settle("a", retry({ priority: 60, attemptsUsed: 1 }));
      await flow.settle("a", failed(2));
      await again(flow, "a");
      expect(await flow.job("a")).toMatchObject({ status: "queued", priority: 90, attemptsUsed: 0, crashes: 0 });
    });

    it("L6 an onFailed job that has not run waits again; it runs when the flow fails anew", async () => {
      const flow = await start([{ jobs: ["a"] }], { onFailed: { input: `{"tell":"me"}` } });
      await flow.fail("a");
      expect(await flow.ready()).toEqual(["on-failed"]);
      await again(flow, "a");
      expect(await flow.ready()).toEqual(["a"]);
      await flow.fail("a");
      expect(await flow.ready()).toEqual(["on-failed"]);
      expect(one(await store.claim({ names: ["on-failed"] })).id).toBe((await flow.read()).onFailedJobId);
    });

    it("L6 an onFailed job that has run before runs again when the flow fails anew, and not when it is processed", async () => {
      const flow = await start([{ jobs: ["a"] }], { onFailed: { input: `{"tell":"me"}` } });
      await flow.fail("a");
      await store.processReady(["on-failed"]);
      await again(flow, "a");
      expect(await flow.ready()).toEqual(["a"]);
      await flow.fail("a");
      const told = one(await store.claim({ names: ["on-failed"] }));
      expect(told).toMatchObject({
        id: (await flow.read()).onFailedJobId,
        flowId: flow.flowId,
        input: `{"tell":"me"}`,
      });
      await store.settle(told, { kind: "processed" });
      await again(flow, "a");
      await flow.process("a");
      expect(await flow.ready()).toEqual([]);
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 of several failed siblings one retry is not enough: the flow fails anew with the other's name", async () => {
      const flow = await start([{ jobs: ["a", "b"] }, { jobs: ["c"] }]);
      await flow.fail("a");
      await flow.fail("b");
      await again(flow, "a");
      expect(await flow.statuses("a", "b", "c")).toEqual(["queued", "failed", "waiting"]);
      await flow.process("a");
      expect(await flow.read()).toMatchObject({ status: "failed", failedJobId: flow.id("b") });
      expect(await flow.statuses("c")).toEqual(["failed"]);
      await again(flow, "b");
      await flow.process("b");
      await flow.process("c");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a retry within a flow that still runs takes the failure back", async () => {
      const flow = await start([{ jobs: ["a", "b"] }, { jobs: ["c"] }]);
      await flow.fail("a");
      await again(flow, "a");
      await flow.process("b");
      expect(await flow.statuses("c")).toEqual(["waiting"]);
      await flow.process("a");
      expect(await flow.ready()).toEqual(["c"]);
    });

    it("L6 fail-fast: siblings that were cancelled because of the job run again with it", async () => {
      const flow = await start([
        { policy: "fail-fast", jobs: ["a", { job: "b", under: [{ jobs: ["x"] }] }] },
        { jobs: ["c"] },
      ]);
      await flow.fail("a");
      expect(await flow.statuses("a", "b", "x", "c")).toEqual(["failed", "cancelled", "failed", "failed"]);
      await again(flow, "a");
      expect(await flow.statuses("a", "b", "x", "c")).toEqual(["queued", "queued", "waiting", "waiting"]);
      for (const name of ["a", "b", "x", "c"]) await flow.process(name);
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a retry three levels down reopens every level above it", async () => {
      const flow = await start([
        {
          jobs: [
            {
              job: "top",
              under: [
                { jobs: [{ job: "mid", under: [{ jobs: ["deep"] }, { jobs: ["deep-2"] }] }] },
                { jobs: ["mid-2"] },
              ],
            },
          ],
        },
        { jobs: ["top-2"] },
      ]);
      for (const name of ["top", "mid"]) await flow.process(name);
      await flow.fail("deep");
      expect((await flow.read()).status).toBe("failed");
      await again(flow, "deep");
      expect(await flow.statuses("deep", "deep-2", "mid-2", "top-2")).toEqual([
        "queued",
        "waiting",
        "waiting",
        "waiting",
      ]);
      for (const name of ["deep", "deep-2", "mid-2", "top-2"]) {
        expect(await flow.ready()).toEqual([name]);
        await flow.process(name);
      }
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 what failed because of another job cannot be retried alone: its gate is closed", async () => {
      const flow = await start([{ jobs: [{ job: "a", under: [{ jobs: ["x"] }] }] }, { jobs: ["c"] }]);
      await flow.fail("a");
      expect(await store.transporter.amend([flow.id("x"), flow.id("c")], { kind: "retry" })).toEqual([
        { state: "refused", status: "failed" },
        { state: "refused", status: "failed" },
      ]);
      expect((await flow.read()).status).toBe("failed");
    });

    it("L6 a cancelled flow is reopened by a retry of the cancelled job", async () => {
      const flow = await start([{ jobs: ["a"] }, { jobs: ["b"] }]);
      await store.transporter.amend([flow.id("a")], { kind: "cancel", reason: "test" });
      expect((await flow.read()).status).toBe("cancelled");
      await again(flow, "a");
      await flow.process("a");
      await flow.process("b");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a job cancelled behind its gate goes back behind it when retried", async () => {
      const flow = await start([{ jobs: ["a"] }, { jobs: [{ job: "b", under: [{ jobs: ["c"] }] }] }]);
      await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" });
      expect(await again(flow, "b")).toEqual([{ state: "applied" }]);
      expect(await flow.statuses("a", "b", "c")).toEqual(["queued", "waiting", "waiting"]);
      for (const name of ["a", "b", "c"]) await flow.process(name);
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 what a person cancelled stays cancelled when the flow is reopened for another job", async () => {
      const flow = await start([
        { jobs: ["a"] },
        { policy: "all-settled", jobs: [{ job: "b", under: [{ jobs: ["x"] }] }, "c"] },
      ]);
      await store.transporter.amend([flow.id("b")], { kind: "cancel", reason: "test" });
      await flow.fail("a");
      await again(flow, "a");
      expect(await flow.statuses("a", "b", "x", "c")).toEqual(["queued", "cancelled", "failed", "waiting"]);
      await flow.process("a");
      await flow.process("c");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L6 a member retried after its all-settled stage has passed runs, and opens nothing twice", async () => {
      const flow = await start([
        { policy: "all-settled", jobs: [{ job: "a", under: [{ jobs: ["x"] }] }, "b"] },
        { jobs: ["c"] },
      ]);
      await flow.fail("a");
      await flow.process("b");
      expect(await again(flow, "a")).toEqual([{ state: "applied" }]);
      await flow.process("a");
      await flow.process("x");
      expect(await flow.statuses("c")).toEqual(["queued"]);
      await flow.process("c");
      expect((await flow.read()).status).toBe("processed");
    });

    it("L17 a reopened flow takes its unique key again, and cannot while a newer flow holds it", async () => {
      const uniqueKey = store.key("u");
      const flow = await start([{ jobs: ["a"] }], { uniqueKey });
      await flow.fail("a");
      const newer = await start([{ jobs: ["b"] }], { uniqueKey });
      await expect(again(flow, "a")).rejects.toMatchObject({ code: "unique_key_taken" });
      expect((await flow.read()).status).toBe("failed");
      expect(await flow.statuses("a")).toEqual(["failed"]);
      await newer.process("b");
      await again(flow, "a");
      expect(await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["a"] }], { uniqueKey }) }])).toMatchObject([
        { state: "existing", flowId: flow.flowId },
      ]);
    });
  });
}
