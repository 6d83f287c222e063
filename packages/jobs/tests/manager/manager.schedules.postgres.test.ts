import { describe, expect, test } from "vitest";
import { defineSchedule, type Transporter } from "../../src/index.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { expectNoGap, killedMidTick, logOf, processedOf } from "./clockwork.ts";
import { managed, stoppedAfter, withFaults } from "./harness.ts";

describe.skipIf(skipReason !== undefined)("L13 schedules through managers on PostgreSQL", () => {
  const server = new TestServer();

  async function opened(schema: string): Promise<Transporter> {
    const transporter = stoppedAfter(server.transporter(schema));
    await transporter.start();
    return transporter;
  }

  test("kill -9 of the leader in the midst of a run: another takes over within a lease, no tick is missing or doubled", async () => {
    const schema = server.freshSchema();
    await killedMidTick(await opened(schema), `${server.server.url} ${schema}`);
  });

  test("two that both believe they lead make each tick once", async () => {
    const schema = server.freshSchema();
    const everyMs = 100;
    const ran: number[] = [];
    const run = ({ due }: { due: Date }): void => void ran.push(due.getTime());
    const believers = [await opened(schema), await opened(schema)].map((transporter) => {
      const leader: Transporter["leader"] = {
        campaign: async () => ({ leading: true, fence: 1 }),
        resign: async () => undefined,
      };
      const pulse = defineSchedule("pulse", { every: everyMs, shards: 2, run });
      return managed({ transporter: withFaults(transporter, { leader }), jobs: [pulse] });
    });
    await Promise.all(believers.map(({ manager }) => manager.start()));
    await Promise.race(believers.map(({ witness }) => witness.until("attempt.settled", processedOf("pulse"), 12)));
    await Promise.all(believers.map(({ manager }) => manager.stop()));
    const manager = believers[0]!.manager;
    for (const shard of [0, 1]) expectNoGap(await logOf(manager, "pulse", shard), everyMs);
    const ticks = await manager.schedules.ticks("pulse", { limit: 1_000 });
    const dues = ticks.filter(({ outcome }) => outcome === "processed").map(({ dueAt }) => dueAt);
    expect(ran.toSorted((a, b) => a - b)).toEqual(dues.toSorted((a, b) => a - b));
  });
});
