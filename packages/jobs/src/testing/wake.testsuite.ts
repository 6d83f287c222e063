import { describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import type { Claimed, SqlAccess, Tx } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, failed, one, retry } from "./fixture.ts";

/** L7: release and wake. */
export function wakeSuite(suite: TransporterSuite): void {
  describe(`L7 release and wake: ${suite.name}`, () => {
    const store = new Fixture(suite);

    const release = (claimed: Claimed, wakeKey: string | undefined, delayMs = 60_000) =>
      store.settle(claimed, retry({ cause: "released", delayMs, ...(wakeKey === undefined ? {} : { wakeKey }) }));

    it("L7 a wake makes released jobs ready at once; it tells how many it met", async () => {
      const key = store.key("k");
      const ids = await store.enqueue({}, {}, {});
      for (const claimed of await store.claim()) await release(claimed, key);
      expect(await store.statuses(ids)).toEqual(["delayed", "delayed", "delayed"]);
      expect(await store.transporter.wake([key])).toBe(3);
      expect(await store.statuses(ids)).toEqual(["queued", "queued", "queued"]);
      expect((await store.get(ids[0] ?? "")).readyAt).toBeLessThanOrEqual(await store.transporter.now());
      expect(await store.claim()).toHaveLength(3);
    });

    it("L7 a wake reaches only its own key; several keys in one call", async () => {
      const [a, b, c] = await store.enqueue(
        { delayMs: 60_000, wakeKey: store.key("a") },
        { delayMs: 60_000, wakeKey: store.key("b") },
        { delayMs: 60_000, wakeKey: store.key("c") },
      );
      expect(await store.transporter.wake([store.key("a"), store.key("c"), store.key("a")])).toBe(2);
      expect(await store.statuses([a ?? "", b ?? "", c ?? ""])).toEqual(["queued", "delayed", "queued"]);
      expect(await store.transporter.wake([])).toBe(0);
    });

    it("L7 a job delayed from its enqueue is woken by the key it was given", async () => {
      const id = await store.enqueueOne({ delayMs: 60_000, wakeKey: store.key("k") });
      expect(await store.transporter.wake([store.key("k")])).toBe(1);
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 a wake that comes while the attempt runs is kept for its release", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      const claimed = await store.claimOne();
      expect(await store.transporter.wake([key])).toBe(1);
      expect(await store.status(id)).toBe("in_progress");
      expect(await release(claimed, key)).toEqual({ state: "applied" });
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 a kept wake is used once: the next release waits again", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      const claimed = await store.claimOne();
      await store.transporter.wake([key]);
      await release(claimed, key);
      await release(await store.claimOne(), key);
      expect(await store.status(id)).toBe("delayed");
    });

    it("L7 a wake that found nobody is kept for the first release that names the key, once", async () => {
      const key = store.key("unknown-yet");
      const id = await store.enqueueOne();
      const claimed = await store.claimOne();
      expect(await store.transporter.wake([key])).toBe(0);
      await release(claimed, key);
      expect(await store.status(id)).toBe("queued");
      await release(await store.claimOne(), key);
      expect(await store.status(id)).toBe("delayed");
    });

    it("L7 a wake that found nobody is kept for a day, not for ever", async () => {
      const key = store.key("old");
      await store.transporter.wake([key]);
      store.setClock(limits.wakeKeptMs + 60_000);
      const id = await store.enqueueOne();
      await release(await store.claimOne(), key);
      expect(await store.status(id)).toBe("delayed");
    });

    it("L7 a wake before the first attempt is used up by that attempt's claim", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      expect(await store.transporter.wake([key])).toBe(1);
      await release(await store.claimOne(), key);
      expect(await store.status(id)).toBe("delayed");
    });

    it("L7 a deferral that names the key is woken like a release", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      const claimed = await store.claimOne();
      await store.transporter.wake([key]);
      await store.settle(claimed, { kind: "defer", delayMs: 60_000, wakeKey: key });
      expect(await store.status(id)).toBe("queued");
      await store.settle(await store.claimOne(), { kind: "defer", delayMs: 60_000, wakeKey: key });
      expect(await store.status(id)).toBe("delayed");
      await store.transporter.wake([key]);
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 an error keeps its delay though a wake came while it ran; a wake in the delay ends it", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      const claimed = await store.claimOne();
      await store.transporter.wake([key]);
      await store.settle(claimed, retry({ cause: "error", delayMs: 60_000 }));
      expect(await store.status(id)).toBe("delayed");
      expect(await store.transporter.wake([key])).toBe(1);
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 a finished job is not met: the wake is kept", async () => {
      const key = store.key("k");
      await store.enqueueOne({ wakeKey: key });
      await store.settle(await store.claimOne(), failed());
      expect(await store.transporter.wake([key])).toBe(0);
    });

    it("L7 a gated job that is woken runs without its delay when the gate opens", async () => {
      const key = store.key("k");
      const flow = store.flow([{ jobs: ["work"] }, { jobs: [{ delayMs: 60_000, wakeKey: key }] }]);
      const { ids } = one(await store.transporter.enqueue([{ flow }]));
      expect(await store.transporter.wake([key])).toBe(1);
      expect(await store.statuses(ids)).toEqual(["queued", "waiting"]);
      await store.processReady();
      expect(await store.statuses(ids)).toEqual(["processed", "queued"]);
    });

    it("L7 release and wake at once, many times: no wake is lost", async () => {
      const second = await store.second();
      const keys = Array.from({ length: 50 }, (_, index) => store.key(`race-${index}`));
      const ids = await store.enqueue(...keys.map((wakeKey, index) => (index % 2 === 0 ? { wakeKey } : {})));
      const claimed = await store.claim();
      await Promise.all(
        claimed.map(async (each, index) => {
          const key = keys[index] ?? "";
          const acts = [() => release(each, key), () => second.wake([key])];
          await Promise.all((index % 3 === 0 ? acts : acts.toReversed()).map((act) => act()));
        }),
      );
      expect(new Set(await store.statuses(ids))).toEqual(new Set(["queued"]));
    });

    it("L7 a wake in a transaction takes effect with its commit, and none when it rolls back", async ({ skip }) => {
      const sql = store.sql(skip);
      const key = store.key("k");
      const id = await store.enqueueOne({ delayMs: 60_000, wakeKey: key });
      const refusal = new TypeError("the caller changed its mind");
      const rolledBack = sql.transaction(async (tx) => {
        expect(await store.transporter.wake([key], { tx })).toBe(1);
        throw refusal;
      });
      await expect(rolledBack).rejects.toBe(refusal);
      expect(await store.status(id)).toBe("delayed");
      const second = await store.second();
      await sql.transaction(async (tx) => {
        await store.transporter.wake([key], { tx });
        expect(one(await second.get([id])).status).toBe("delayed");
      });
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 a wake that found nobody, in a transaction that rolls back, is not kept", async ({ skip }) => {
      const sql = store.sql(skip);
      const key = store.key("k");
      const refusal = new TypeError("the caller changed its mind");
      const act = sql.transaction(async (tx) => {
        await store.transporter.wake([key], { tx });
        throw refusal;
      });
      await expect(act).rejects.toBe(refusal);
      const id = await store.enqueueOne();
      await release(await store.claimOne(), key);
      expect(await store.status(id)).toBe("delayed");
    });

    /** Runs `during` (not awaited inside) while a transaction with a wake is open; resolves when both are done. */
    async function whileWakeIsOpen(sql: SqlAccess, key: string, during: () => Promise<unknown>): Promise<void> {
      let act: Promise<unknown> | undefined;
      await sql.transaction(async (tx: Tx) => {
        await store.transporter.wake([key], { tx });
        act = during();
        // A few statements, so that the other connection meets the open transaction.
        for (let index = 0; index < 5; index += 1) await tx.query("SELECT 1");
      });
      await act;
    }

    it("L7 a release that meets an open wake of its key is not lost between: the job runs again at once", async ({
      skip,
    }) => {
      const sql = store.sql(skip);
      const second = await store.second();
      for (const known of [true, false]) {
        const key = store.key(`open-${known}`);
        const id = await store.enqueueOne(known ? { wakeKey: key } : {});
        const claimed = await store.claimOne();
        const { fence, version } = claimed;
        const outcome = retry({ cause: "released", delayMs: 60_000, wakeKey: key });
        await whileWakeIsOpen(sql, key, () => second.settle([{ id, fence, version, outcome }]));
        expect(await store.status(id), known ? "key known before" : "key first named by the release").toBe("queued");
        await store.processReady();
      }
    });

    it("L7 a claim that meets an open wake of a queued job: its release is woken, or its claim came after", async ({
      skip,
    }) => {
      const sql = store.sql(skip);
      const second = await store.second();
      const key = store.key("open");
      const id = await store.enqueueOne({ wakeKey: key });
      let committed = false;
      let early: Claimed[] = [];
      await whileWakeIsOpen(sql, key, async () => {
        const claimed = await second.claim([store.request()], "m");
        if (!committed) early = claimed;
      }).then(() => (committed = true));
      const claimed = early[0] ?? (await store.claimOne());
      expect(claimed.id).toBe(id);
      await release(claimed, key);
      // Claimed after the commit, the attempt has seen what the wake was about; either way nothing is pending for it.
      expect(["queued", "delayed"]).toContain(await store.status(id));
      expect(await store.transporter.wake([key])).toBe(1);
      expect(await store.status(id)).toBe("queued");
    });

    it("L7 a release without a key keeps the one that the job has", async () => {
      const key = store.key("k");
      const id = await store.enqueueOne({ wakeKey: key });
      await release(await store.claimOne(), undefined);
      expect(await store.get(id)).toMatchObject({ status: "delayed", wakeKey: key });
      expect(await store.transporter.wake([key])).toBe(1);
      expect(await store.status(id)).toBe("queued");
    });
  });
}
