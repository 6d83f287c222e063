import { array, assert, asyncProperty, integer, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { agedPriority } from "../core/queue.ts";
import { Fixture, retry, type TransporterSuite } from "./fixture.ts";

/** L16: strict order by default; with aging the longest wait has a bound. */
export function agingSuite(suite: TransporterSuite): void {
  describe(`L16 aging: ${suite.name}`, () => {
    const store = new Fixture(suite);

    it("L16 without aging a low job waits as long as higher ones come", async () => {
      const low = await store.enqueueOne({ priority: 10 });
      for (let hour = 1; hour <= 5; hour += 1) {
        store.setClock(hour * 3_600_000);
        const high = await store.enqueueOne({ priority: 12 });
        expect((await store.claimOne()).id).toBe(high);
      }
      expect(await store.status(low)).toBe("queued");
    });

    it("L16 with aging it waits no longer than (q − p + 1) × aging behind a steady stream of higher ones", async () => {
      const agingMs = 1_000;
      await store.transporter.queues.configure(store.queue, { agingMs });
      const low = await store.enqueueOne({ priority: 10 });
      const waits: string[] = [];
      let second = 0;
      for (; !waits.includes(low); second += 1) {
        expect(second).toBeLessThanOrEqual(15 - 10 + 1);
        store.setClock(second * agingMs);
        await store.enqueueOne({ priority: 15 });
        waits.push((await store.claimOne()).id);
      }
      // Not at once either: higher ones went before it while it had not gained enough.
      expect(second).toBeGreaterThan(4);
    });

    it("L16 among the same priority it is the wait that counts, also against fewer attempts", async () => {
      await store.transporter.queues.configure(store.queue, { agingMs: 1_000 });
      const tried = await store.enqueueOne({});
      const claimed = await store.claimOne();
      await store.settle(claimed, retry({ priority: 100 }));
      store.setClock(3_000);
      const fresh = await store.enqueueOne({});
      expect((await store.claim()).map(({ id }) => id)).toEqual([tried, fresh]);
    });

    it("L16 L14 aging, a rate and limits hold together", async () => {
      const settings = { agingMs: 1_000, keyConcurrency: 1, ratePerSecond: 1, rateBurst: 3 };
      await store.transporter.queues.configure(store.queue, settings);
      const [old, sameKey] = await store.enqueue({ priority: 1, limitKey: "a" }, { priority: 2, limitKey: "a" });
      store.setClock(10_000);
      const [fresh] = await store.enqueue({ priority: 5 }, { priority: 4 }, { priority: 3 });
      const claimed = await store.claim();
      expect(claimed).toHaveLength(3);
      expect(claimed.map(({ id }) => id).slice(0, 2)).toEqual([sameKey, fresh]);
      expect(await store.status(old!)).toBe("queued");
    });

    it("L16 the store's order under aging is the law's, for any priorities and waits", async () => {
      let run = 0;
      const job = record({
        priority: integer({ min: 0, max: 30 }),
        atMs: integer({ min: 0, max: 40 }).map((n) => n * 500),
      });
      const property = asyncProperty(
        array(job, { minLength: 1, maxLength: 12 }),
        integer({ min: 1, max: 5 }),
        async (jobs, limit) => {
          run += 1;
          const queue = `${store.queue}-${run}`;
          const agingMs = 1_000;
          store.setClock(0);
          await store.transporter.queues.configure(queue, { agingMs });
          // Ids ascend with the time of enqueueing; within one priority they are the order.
          for (const { priority, atMs } of jobs.toSorted((a, b) => a.atMs - b.atMs)) {
            store.setClock(atMs);
            await store.enqueueOne({ queue, priority });
          }
          store.setClock(30_000);
          const seen = await store.transporter.list({ queue, status: "queued", limit: 100 });
          const claimedAt = await store.transporter.now();
          const claimed = await store.claim({ queue, limit });
          const claimedBy = await store.transporter.now();
          // Between two readings of the clock the law may say either: then this run says nothing.
          const orders = [claimedAt, claimedBy].map((now) => lawful(seen, now, agingMs).slice(0, limit));
          if (JSON.stringify(orders[0]) === JSON.stringify(orders[1]))
            expect(claimed.map(({ id }) => id)).toEqual(orders[0]);
        },
      );
      await assert(property, { numRuns: Math.min(suite.modelRuns ?? 30, 50) });
    });
  });
}

function lawful(
  jobs: readonly { id: string; priority: number; attemptsUsed: number; readyAt: number }[],
  now: number,
  agingMs: number,
): string[] {
  const aged = (job: { priority: number; readyAt: number }): number =>
    agedPriority(job.priority, now - job.readyAt, agingMs);
  return jobs
    .toSorted((a, b) => aged(b) - aged(a) || a.attemptsUsed - b.attemptsUsed || Number(a.id) - Number(b.id))
    .map(({ id }) => id);
}
