import { describe, expect, it } from "vitest";
import type { Settlement, Transporter } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, failed, failure, one, retry } from "./fixture.ts";

/** L3, L4, L9, L10: claims, leases, fences and what a settlement does to its job. */
export function claimSuite(suite: TransporterSuite): void {
  describe(`L3 L4 L9 L10 claims and settlements: ${suite.name}`, () => {
    const store = new Fixture(suite);

    it("L3 2,000 jobs, many claimers on two connections: each job has exactly one claimant, and is settled once", async () => {
      const second = await store.second();
      const ids = await store.enqueue(...Array.from({ length: 2_000 }, (_, index) => ({ priority: index % 5 })));
      const claimedIds: string[] = [];
      const applied: string[] = [];
      const claimer = async (transporter: Transporter, manager: string, limit: number): Promise<void> => {
        for (;;) {
          const claimed = await transporter.claim([store.request({ limit })], manager);
          if (claimed.length === 0) return;
          claimedIds.push(...claimed.map(({ id }) => id));
          const results = await transporter.settle(
            claimed.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })),
          );
          results.forEach((result, index) => {
            if (result.state === "applied") applied.push(claimed[index]?.id ?? "");
          });
        }
      };
      await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          claimer(index % 2 === 0 ? store.transporter : second, `m${index}`, 3 + index),
        ),
      );
      expect(claimedIds).toHaveLength(2_000);
      expect(new Set(claimedIds)).toEqual(new Set(ids));
      expect(new Set(applied)).toEqual(new Set(ids));
      expect(applied).toHaveLength(2_000);
    });

    it("L3 each claim of a job has a new, greater fence", async () => {
      await store.enqueueOne();
      const first = await store.claimOne();
      await store.settle(first, retry());
      const second = await store.claimOne();
      expect(second.id).toBe(first.id);
      expect(second.fence).toBeGreaterThan(first.fence);
    });

    it("L3 a settlement with an old fence is refused and changes nothing", async () => {
      const id = await store.enqueueOne();
      const old = await store.claimOne();
      await store.settle(old, { kind: "defer", delayMs: 0 });
      const held = await store.claimOne();
      const before = await store.get(id);
      for (const outcome of [
        { kind: "processed", result: "1" },
        failed(),
        retry(),
        { kind: "defer", delayMs: 0 },
      ] as const) {
        expect(await store.settle(old, outcome)).toEqual({ state: "refused", why: "fence" });
      }
      expect(await store.get(id)).toEqual(before);
      expect(await store.settle(held, { kind: "processed" })).toEqual({ state: "applied" });
    });

    it("L3 settlement is exactly once: a second one is refused, also for jobs that are unknown or not claimed", async () => {
      const [id] = await store.enqueue({}, {});
      const claimed = await store.claimOne();
      expect(await store.settle(claimed, { kind: "processed", result: "1" })).toEqual({ state: "applied" });
      expect(await store.settle(claimed, { kind: "processed", result: "2" })).toEqual({
        state: "refused",
        why: "fence",
      });
      expect(await store.get(id ?? "")).toMatchObject({ status: "processed", result: "1" });
      const unknown: Settlement = { id: "9007199254740991", fence: 1, version: 0, outcome: { kind: "processed" } };
      expect(await store.transporter.settle([unknown])).toEqual([{ state: "refused", why: "fence" }]);
    });

    it("L3 one call settles each of its jobs on its own: a refused one does not hold up the others", async () => {
      await store.enqueue({}, {}, {});
      const claimed = await store.claim();
      const outcomes = claimed.map(({ id, fence, version }, index) => ({
        id,
        fence: index === 1 ? fence + 1 : fence,
        version,
        outcome: { kind: "processed" } as const,
      }));
      expect((await store.transporter.settle(outcomes)).map(({ state }) => state)).toEqual([
        "applied",
        "refused",
        "applied",
      ]);
    });

    it("L3 an end in time is told with result and instants; the failure is kept with the job", async () => {
      const [good, bad] = await store.enqueue({}, {});
      const first = await store.claimOne();
      const second = await store.claimOne();
      await store.settle(first, { kind: "processed", result: `{"n":1}` });
      const details = { step: "boot", exit: 1 };
      await store.settle(second, {
        kind: "failed",
        cause: "error",
        attemptsUsed: 3,
        crashes: 0,
        errors: 0,
        failure: { ...failure, stack: "at x", details },
      });
      const processed = await store.get(good ?? "");
      expect(processed).toMatchObject({ status: "processed", result: `{"n":1}`, attemptsUsed: 0 });
      expect(processed.finishedAt).toBeGreaterThanOrEqual(processed.startedAt ?? Infinity);
      expect(processed.leaseUntil).toBeUndefined();
      expect(await store.get(bad ?? "")).toMatchObject({
        status: "failed",
        attemptsUsed: 3,
        failure: { code: "handler_failed", message: "it broke", stack: "at x", details },
      });
    });

    it("L4 a retry charges what the outcome says: attempts, crashes, priority; it comes back after its delay", async () => {
      const id = await store.enqueueOne({ priority: 90 });
      await store.settle(
        await store.claimOne(),
        retry({ delayMs: 4_000, priority: 60, attemptsUsed: 1, crashes: 1, errors: 2, cause: "crashed", failure }),
      );
      expect(await store.get(id)).toMatchObject({
        status: "delayed",
        priority: 60,
        basePriority: 90,
        attemptsUsed: 1,
        crashes: 1,
      });
      expect(await store.claim()).toEqual([]);
      store.setClock(4_100);
      await store.transporter.promote(10);
      expect(await store.claimOne()).toMatchObject({
        id,
        priority: 60,
        basePriority: 90,
        attemptsUsed: 1,
        crashes: 1,
        errors: 2,
      });
    });

    it("L4 a deferral costs neither attempt nor priority", async () => {
      const id = await store.enqueueOne({ priority: 90 });
      await store.settle(await store.claimOne(), { kind: "defer", delayMs: 0 });
      expect(await store.get(id)).toMatchObject({
        status: "queued",
        priority: 90,
        attemptsUsed: 0,
        crashes: 0,
        errors: 0,
      });
      await store.settle(await store.claimOne(), { kind: "defer", delayMs: 60_000 });
      expect(await store.status(id)).toBe("delayed");
    });

    it("L10 every ended attempt is kept with its cause, its priority before and after, and its failure", async () => {
      const id = await store.enqueueOne({ priority: 90 });
      await store.settle(
        await store.claimOne(),
        retry({ cause: "timeout", priority: 60, failure: { code: "attempt_timed_out", message: "1 s" } }),
      );
      await store.settle(await store.claimOne(), retry({ cause: "released", priority: 30, attemptsUsed: 2 }));
      await store.settle(await store.claimOne(), failed(3));
      const attempts = await store.transporter.attempts(id);
      expect(
        attempts.map(({ cause, priorityBefore, priorityAfter }) => [cause, priorityBefore, priorityAfter]),
      ).toEqual([
        ["timeout", 90, 60],
        ["released", 60, 30],
        ["error", 30, 30],
      ]);
      expect(attempts.map((attempt) => attempt.failure?.code)).toEqual([
        "attempt_timed_out",
        undefined,
        "handler_failed",
      ]);
      for (const attempt of attempts) {
        expect(attempt).toMatchObject({ jobId: id, claimedBy: "manager-1" });
        expect(attempt.endedAt).toBeGreaterThanOrEqual(attempt.startedAt);
      }
      const fences = attempts.map(({ fence }) => fence);
      expect(fences).toEqual(fences.toSorted((a, b) => a - b));
    });

    it("L4 a prefetched claim that began and ended tells its start: it was an attempt, and is on record as one", async () => {
      const [done = "", tried = ""] = await store.enqueue({}, {});
      const claims = await store.claim({ started: false });
      await store.settle(one(claims.filter(({ id }) => id === done)), { kind: "processed" }, { startedMs: 40 });
      await store.settle(one(claims.filter(({ id }) => id === tried)), retry({ attemptsUsed: 1 }), { startedMs: 40 });
      const { startedAt = Infinity, finishedAt } = await store.get(done);
      expect(finishedAt).toBe(startedAt + 40);
      const attempt = one(await store.transporter.attempts(tried));
      expect(attempt.endedAt - attempt.startedAt).toBe(40);
      // What was claimed as started has its start already.
      const claimed = await store.claimOne();
      const before = (await store.get(claimed.id)).startedAt;
      await store.settle(claimed, { kind: "processed" }, { startedMs: 40 });
      expect((await store.get(claimed.id)).startedAt).toBe(before);
    });

    it("L4 an unstarted claim of a job that was tried before is unstarted all the same", async () => {
      const id = await store.enqueueOne();
      await store.settle(await store.claimOne(), retry({ attemptsUsed: 1 }));
      await store.settle(await store.claimOne({ started: false }), { kind: "defer", delayMs: 0 });
      expect((await store.transporter.attempts(id)).map(({ cause }) => cause)).toEqual(["error"]);
      await store.claimOne({ started: false, leaseMs: 1_000 });
      expect((await store.get(id)).startedAt).toBeUndefined();
      store.setClock(10_000);
      expect(one(await store.transporter.expired(10))).toMatchObject({ id, started: false });
    });

    it("L4 an unstarted claim that goes back leaves no attempt on record", async () => {
      const id = await store.enqueueOne();
      await store.settle(await store.claimOne({ started: false }), { kind: "defer", delayMs: 0 });
      expect(await store.transporter.attempts(id)).toEqual([]);
      expect(await store.get(id)).toMatchObject({ status: "queued", attemptsUsed: 0 });
    });

    it("L3 a retry or deferral of a job that was changed meanwhile is refused with what it is now", async () => {
      const id = await store.enqueueOne({ priority: 90 });
      const claimed = await store.claimOne();
      await store.transporter.amend([id], { kind: "priority", priority: 200 });
      for (const outcome of [retry(), { kind: "defer", delayMs: 0 }] as const) {
        const result = await store.settle(claimed, outcome);
        expect(result).toMatchObject({
          state: "refused",
          why: "version",
          current: { id, fence: claimed.fence, basePriority: 200, priority: 200, input: "{}", cancelRequested: false },
        });
      }
      expect(await store.status(id)).toBe("in_progress");
      const { version } = await store.get(id);
      expect(await store.settle(claimed, retry({ priority: 132 }), { version })).toEqual({ state: "applied" });
      expect(await store.get(id)).toMatchObject({ priority: 132, basePriority: 200 });
    });

    it("L3 processed and failed win over a change given meanwhile", async () => {
      const [a, b] = await store.enqueue({}, {});
      const first = await store.claimOne();
      const second = await store.claimOne();
      await store.transporter.amend([a ?? "", b ?? ""], { kind: "cancel", reason: "test" });
      expect(await store.settle(first, { kind: "processed" })).toEqual({ state: "applied" });
      expect(await store.settle(second, failed())).toEqual({ state: "applied" });
      expect(await store.statuses([a ?? "", b ?? ""])).toEqual(["processed", "failed"]);
    });

    it("L9 renewal extends the lease of its holder; to others it says lost", async () => {
      const id = await store.enqueueOne();
      const claimed = await store.claimOne({ leaseMs: 1_000 });
      const before = await store.get(id);
      const leases = [
        { id, fence: claimed.fence, leaseMs: 60_000 },
        { id, fence: claimed.fence + 1, leaseMs: 60_000 },
        { id: "9007199254740991", fence: 1, leaseMs: 60_000 },
      ];
      expect(await store.transporter.renew(leases)).toEqual(["renewed", "lost", "lost"]);
      const after = await store.get(id);
      expect(after.leaseUntil).toBeGreaterThan((before.leaseUntil ?? 0) + 50_000);
      await store.settle(claimed, { kind: "processed" });
      expect(await store.transporter.renew(leases.slice(0, 1))).toEqual(["lost"]);
    });

    it("L9 renewal tells the holder of a cancel, and still extends the lease", async () => {
      const id = await store.enqueueOne();
      const claimed = await store.claimOne({ leaseMs: 1_000 });
      await store.transporter.amend([id], { kind: "cancel", reason: "test" });
      expect(await store.transporter.renew([{ id, fence: claimed.fence, leaseMs: 60_000 }])).toEqual(["cancel"]);
      expect((await store.get(id)).leaseUntil).toBeGreaterThan((await store.transporter.now()) + 30_000);
    });

    it("L9 attempts whose lease has run out are told oldest first, with who held them and whether they had started", async () => {
      const ids = await store.enqueue({}, {}, {}, {});
      await store.claimOne({ leaseMs: 9_000 });
      await store.claimOne({ leaseMs: 3_000, started: false });
      await store.claimOne({ leaseMs: 6_000 });
      await store.claimOne({ leaseMs: 90_000 });
      expect(await store.transporter.expired(10)).toEqual([]);
      store.setClock(10_000);
      const expired = await store.transporter.expired(10);
      expect(expired.map(({ id, started }) => [id, started])).toEqual([
        [ids[1], false],
        [ids[2], true],
        [ids[0], true],
      ]);
      expect(expired[0]).toMatchObject({ claimedBy: "manager-1", fence: 1, attempts: 3, input: "{}" });
      expect((await store.transporter.expired(1)).map(({ id }) => id)).toEqual([ids[1]]);
    });

    it("L9 renewal marks a prefetched attempt as started", async () => {
      const id = await store.enqueueOne();
      const claimed = await store.claimOne({ started: false, leaseMs: 1_000 });
      expect((await store.get(id)).startedAt).toBeUndefined();
      await store.transporter.renew([{ id, fence: claimed.fence, leaseMs: 1_000 }]);
      expect((await store.get(id)).startedAt).toBeGreaterThan(0);
      store.setClock(5_000);
      expect(one(await store.transporter.expired(10))).toMatchObject({ id, started: true });
    });

    it("L9 the rescuer's settlement is refused while the lease holds, and applied once when it has run out", async () => {
      const second = await store.second();
      const id = await store.enqueueOne();
      const claimed = await store.claimOne({ leaseMs: 5_000 });
      const rescue = {
        id,
        fence: claimed.fence,
        version: claimed.version,
        outcome: retry({ cause: "lost" }),
        expiredOnly: true,
      };
      expect(await second.settle([rescue])).toEqual([{ state: "refused", why: "not-expired" }]);
      store.setClock(6_000);
      const both = await Promise.all([second.settle([rescue]), store.transporter.settle([rescue])]);
      expect(
        both
          .flat()
          .map(({ state }) => state)
          .toSorted(),
      ).toEqual(["applied", "refused"]);
      expect(await store.get(id)).toMatchObject({ status: "queued", attemptsUsed: 1 });
      expect(one(await store.transporter.attempts(id)).cause).toBe("lost");
      expect(await store.settle(claimed, { kind: "processed" })).toEqual({ state: "refused", why: "fence" });
    });

    it("L3 a holder whose lease ran out, and was not rescued, still settles and renews", async () => {
      const id = await store.enqueueOne();
      const claimed = await store.claimOne({ leaseMs: 1_000 });
      store.setClock(5_000);
      expect(await store.transporter.renew([{ id, fence: claimed.fence, leaseMs: 1_000 }])).toEqual(["renewed"]);
      store.setClock(10_000);
      expect(await store.settle(claimed, { kind: "processed" })).toEqual({ state: "applied" });
    });
  });
}
