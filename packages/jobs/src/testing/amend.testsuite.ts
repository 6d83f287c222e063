import { describe, expect, it } from "vitest";
import { Fixture, type TransporterSuite, failed, one, retry } from "./fixture.ts";

/** L5, L6, L10: acts of people on single jobs; in flows see `flow.testsuite.ts`. */
export function amendSuite(suite: TransporterSuite): void {
  describe(`L4 L5 L10 acts on jobs: ${suite.name}`, () => {
    const store = new Fixture(suite);
    const cancel = { kind: "cancel", reason: "not wanted any more" } as const;

    it("L6 cancel ends what does not run at once, with its reason", async () => {
      const [queued, delayed] = await store.enqueue({}, { delayMs: 60_000 });
      expect(await store.transporter.amend([queued ?? "", delayed ?? ""], cancel)).toEqual([
        { state: "applied" },
        { state: "applied" },
      ]);
      for (const id of [queued ?? "", delayed ?? ""]) {
        expect(await store.get(id)).toMatchObject({
          status: "cancelled",
          failure: { code: "cancelled", message: "not wanted any more" },
        });
      }
      expect(await store.claim()).toEqual([]);
      store.setClock(90_000);
      expect(await store.transporter.promote(10)).toEqual({ promoted: 0 });
    });

    it("L9 cancel asks what runs to end; its retry meets the new version, and the cancel is settled", async () => {
      const id = await store.enqueueOne();
      const claimed = await store.claimOne();
      expect(await store.transporter.amend([id], cancel)).toEqual([{ state: "requested" }]);
      expect(await store.get(id)).toMatchObject({ status: "in_progress", cancelRequested: true });
      expect(await store.settle(claimed, retry())).toMatchObject({
        state: "refused",
        why: "version",
        current: { cancelRequested: true },
      });
      const outcome = { kind: "cancelled", failure: { code: "cancelled", message: "asked to" } } as const;
      expect(await store.settle(claimed, outcome)).toEqual({ state: "applied" });
      expect(await store.get(id)).toMatchObject({ status: "cancelled", failure: { message: "asked to" } });
      expect(one(await store.transporter.attempts(id)).cause).toBe("cancelled");
    });

    it("L5 final jobs refuse cancel and priority with their status; unknown ones say so", async () => {
      const [processed, bad] = await store.enqueue({}, {});
      await store.settle(await store.claimOne(), { kind: "processed" });
      await store.settle(await store.claimOne(), failed());
      const ids = [processed ?? "", bad ?? "", "9007199254740991"];
      const refusals = [
        { state: "refused", status: "processed" },
        { state: "refused", status: "failed" },
        { state: "refused", status: "unknown" },
      ];
      expect(await store.transporter.amend(ids, cancel)).toEqual(refusals);
      expect(await store.transporter.amend(ids, { kind: "priority", priority: 1 })).toEqual(refusals);
    });

    it("L5 priority sets base and current priority and the order of claims", async () => {
      const [first, second, delayed] = await store.enqueue({}, {}, { delayMs: 60_000 });
      const { version } = await store.get(second ?? "");
      const change = { kind: "priority", priority: 250 } as const;
      expect(await store.transporter.amend([second ?? "", delayed ?? ""], change)).toEqual([
        { state: "applied" },
        { state: "applied" },
      ]);
      const changed = await store.get(second ?? "");
      expect(changed).toMatchObject({ basePriority: 250, priority: 250, status: "queued" });
      expect(changed.version).toBeGreaterThan(version);
      expect((await store.get(delayed ?? "")).priority).toBe(250);
      expect((await store.claim()).map(({ id }) => id)).toEqual([second, first]);
    });

    it("L10 a failed or cancelled job can be retried by hand: a fresh budget and its base priority", async () => {
      const [bad, gone] = await store.enqueue({ priority: 90 }, { priority: 90 });
      await store.settle(await store.claimOne(), retry({ priority: 60, crashes: 1 }));
      for (const claimed of await store.claim()) if (claimed.id === bad) await store.settle(claimed, failed(3));
      await store.transporter.amend([gone ?? ""], cancel);
      const held = await store.get(gone ?? "");
      if (held.status === "in_progress") {
        await store.transporter.settle([
          {
            id: held.id,
            fence: held.fence,
            version: held.version,
            outcome: { kind: "cancelled", failure: { code: "cancelled", message: "" } },
          },
        ]);
      }
      expect(await store.transporter.amend([bad ?? "", gone ?? ""], { kind: "retry" })).toEqual([
        { state: "applied" },
        { state: "applied" },
      ]);
      for (const id of [bad ?? "", gone ?? ""]) {
        const job = await store.get(id);
        expect(job).toMatchObject({
          status: "queued",
          priority: 90,
          basePriority: 90,
          attemptsUsed: 0,
          crashes: 0,
          cancelRequested: false,
        });
        expect(job.failure).toBeUndefined();
        expect(job.finishedAt).toBeUndefined();
      }
      const fences = (await store.claim()).map(({ fence }) => fence);
      expect(Math.min(...fences)).toBeGreaterThanOrEqual(2);
      expect(await store.transporter.attempts(bad ?? "")).toHaveLength(2);
    });

    it("L10 what is processed or unfinished cannot be retried by hand", async () => {
      const [processed, delayed] = await store.enqueue({}, { delayMs: 60_000 });
      await store.processReady();
      expect(await store.transporter.amend([processed ?? "", delayed ?? "", "nonsense"], { kind: "retry" })).toEqual([
        { state: "refused", status: "processed" },
        { state: "refused", status: "delayed" },
        { state: "refused", status: "unknown" },
      ]);
    });

    it("L17 a retry by hand takes the unique key again, and is refused while a newer job holds it", async () => {
      const uniqueKey = store.key("u");
      const id = await store.enqueueOne({ uniqueKey });
      await store.settle(await store.claimOne(), failed());
      const newer = await store.enqueueOne({ uniqueKey });
      await expect(store.transporter.amend([id], { kind: "retry" })).rejects.toMatchObject({
        code: "unique_key_taken",
      });
      expect(await store.status(id)).toBe("failed");
      await store.transporter.amend([newer], cancel);
      expect(await store.transporter.amend([id], { kind: "retry" })).toEqual([{ state: "applied" }]);
      expect(await store.enqueueOne({ uniqueKey })).toBe(id);
    });
  });
}
