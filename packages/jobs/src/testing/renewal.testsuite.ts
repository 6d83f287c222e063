import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Lease, Renewer } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite } from "./fixture.ts";

/** Leases renewed over the way that a thread opens for itself: the same answers as the Transporter's own (L9). */
export function renewalSuite(suite: TransporterSuite): void {
  describe(`L9 renewal from another thread: ${suite.name}`, () => {
    const store = new Fixture(suite);

    /** As the lease thread does it: by the module's URL and cloned options. Closed by the caller. */
    async function renewer(skip: (reason: string) => never): Promise<Renewer> {
      const { remote } = store.transporter;
      if (remote === undefined) skip("the store has no way for another thread to renew leases");
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as `RemoteRenewal` asks
      const { openRenewer } = (await import(/* @vite-ignore */ remote.module)) as {
        openRenewer: (options: unknown) => Promise<Renewer>;
      };
      return await openRenewer(structuredClone(remote.options));
    }

    async function claimedLease(differs: { started?: boolean } = {}): Promise<Lease> {
      await store.enqueueOne();
      const { id, fence } = await store.claimOne(differs);
      return { id, fence, leaseMs: 60_000 };
    }

    test("extends a lease and marks the attempt started", async ({ skip }) => {
      const lease = await claimedLease({ started: false });
      const remote = await renewer(skip);
      try {
        const before = (await store.get(lease.id)).leaseUntil ?? 0;
        expect(await remote.renew([lease])).toEqual(["renewed"]);
        const job = await store.get(lease.id);
        expect(job.leaseUntil).toBeGreaterThan(before + 40_000);
        expect(job.startedAt).toBeDefined();
      } finally {
        await remote.close();
      }
    });

    test("tells of each lease, in order, whether it is renewed, lost, or to be cancelled", async ({ skip }) => {
      const renewed = await claimedLease();
      const cancelled = await claimedLease();
      const remote = await renewer(skip);
      try {
        await store.transporter.amend([cancelled.id], { kind: "cancel", reason: "the test's" });
        const old = { ...renewed, fence: renewed.fence + 1 };
        const unknown = { ...renewed, id: "999999999" };
        expect(await remote.renew([old, cancelled, unknown, renewed])).toEqual(["lost", "cancel", "lost", "renewed"]);
      } finally {
        await remote.close();
      }
    });

    test("L4 gives back what was not begun at no cost, and leaves alone what is another's or has changed", async ({
      skip,
    }) => {
      await store.enqueue({}, {}, {});
      const [mine, other, changed] = await store.claim({ limit: 3 });
      const remote = await renewer(skip);
      try {
        expect([mine, other, changed]).not.toContain(undefined);
        if (mine === undefined || other === undefined || changed === undefined) return;
        await store.transporter.amend([changed.id], { kind: "priority", priority: 7 });
        await remote.giveBack([mine, { ...other, fence: other.fence + 1 }, changed]);
        expect(await store.get(mine.id)).toMatchObject({ status: "queued", attemptsUsed: 0, priority: mine.priority });
        expect(await store.statuses([other.id, changed.id])).toEqual(["in_progress", "in_progress"]);
        expect(await store.claimOne()).toMatchObject({ id: mine.id, fence: mine.fence + 1 });
      } finally {
        await remote.close();
      }
    });

    test("L12 extends the leases of permits, and tells of those that are not held any more", async ({ skip }) => {
      const { permits } = store.transporter;
      const [held, other, unknown] = [randomUUID(), randomUUID(), randomUUID()];
      const holder = { host: "h", process: "p" };
      const asked = { name: store.key("s"), permits: 1, leaseMs: 10_000, wait: true, holder };
      await permits.acquire([{ ...asked, ticket: held }]);
      const remote = await renewer(skip);
      try {
        const leases = [held, unknown].map((ticket) => ({ ticket, leaseMs: 60_000 }));
        expect(await remote.renewPermits(leases)).toEqual(["renewed", "lost"]);
        store.setClock(30_000);
        expect(await permits.acquire([{ ...asked, ticket: other }])).toMatchObject([{ state: "waiting" }]);
        await permits.release([held]);
        expect(await remote.renewPermits(leases)).toEqual(["lost", "lost"]);
      } finally {
        await remote.close();
      }
    });

    test("counts from the store's clock, offset included, also when that changes later", async ({ skip }) => {
      const lease = await claimedLease();
      const remote = await renewer(skip);
      try {
        store.setClock(3_600_000);
        expect(await remote.renew([lease])).toEqual(["renewed"]);
        const now = await store.transporter.now();
        expect((await store.get(lease.id)).leaseUntil).toBeGreaterThan(now + 30_000);
        expect(await store.transporter.expired(10)).toEqual([]);
      } finally {
        await remote.close();
      }
    });
  });
}
