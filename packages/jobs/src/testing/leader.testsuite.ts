import { describe, expect, it } from "vitest";
import { Fixture, type TransporterSuite } from "./fixture.ts";

const leaseMs = 10_000;

/** L13: the leader's seat. It saves work; what keeps ticks single is tested with the schedules. */
export function leaderSuite(suite: TransporterSuite): void {
  describe(`L13 leader: ${suite.name}`, () => {
    const store = new Fixture(suite);

    const campaign = (manager: string, transporter = store.transporter) =>
      transporter.leader.campaign(store.key("seat"), manager, leaseMs);

    it("L13 the first to campaign leads; the others are told for how long", async () => {
      expect(await campaign("a")).toEqual({ leading: true, fence: 1 });
      const other = await campaign("b", await store.second());
      expect(other).toMatchObject({ leading: false, fence: 1 });
      expect(other).toHaveProperty("retryInMs");
      if (other.leading) return;
      expect(other.retryInMs).toBeGreaterThan(leaseMs - 5_000);
      expect(other.retryInMs).toBeLessThanOrEqual(leaseMs);
    });

    it("L13 the leader keeps the seat by campaigning, with the same fence", async () => {
      await campaign("a");
      store.setClock(leaseMs - 1_000);
      expect(await campaign("a")).toEqual({ leading: true, fence: 1 });
      store.setClock(leaseMs + 1_000);
      expect(await campaign("b")).toMatchObject({ leading: false });
    });

    it("L13 a leader that died is replaced when its lease is out, and cannot tell itself from the new one", async () => {
      await campaign("a");
      store.setClock(leaseMs + 1);
      expect(await campaign("b")).toEqual({ leading: true, fence: 2 });
      expect(await campaign("a")).toMatchObject({ leading: false, fence: 2 });
    });

    it("L13 one that resigns is replaced at once; who does not lead resigns nothing; fences go on", async () => {
      await campaign("a");
      await store.transporter.leader.resign(store.key("seat"), "b");
      expect(await campaign("b")).toMatchObject({ leading: false });
      await store.transporter.leader.resign(store.key("seat"), "a");
      expect(await campaign("b")).toEqual({ leading: true, fence: 2 });
    });

    it("L13 of many who campaign at once for a free seat, one leads", async () => {
      const other = await store.second();
      const names = Array.from({ length: 20 }, (_, index) => `manager-${index}`);
      const round = (): Promise<{ leading: boolean }[]> =>
        Promise.all(names.map((name, index) => campaign(name, index % 2 === 0 ? store.transporter : other)));
      expect((await round()).filter(({ leading }) => leading)).toHaveLength(1);
      store.setClock(2 * leaseMs);
      expect((await round()).filter(({ leading }) => leading)).toHaveLength(1);
    });

    it("L13 seats are apart", async () => {
      await campaign("a");
      expect(await store.transporter.leader.campaign(store.key("other"), "b", leaseMs)).toMatchObject({
        leading: true,
      });
    });
  });
}
