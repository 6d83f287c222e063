import { describe, expect, test } from "vitest";
import { settingsOf } from "../../src/manager/options.ts";
import { Leader } from "../../src/manager/leader.ts";
import { Promoter } from "../../src/manager/promoter.ts";
import { Pruner } from "../../src/manager/pruner.ts";
import { Rescuer } from "../../src/manager/rescuer.ts";
import { defineJob, type Campaign, type Transporter } from "../../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { jobIn, managed, store, withFaults } from "./harness.ts";

const run = (): void => undefined;
const never = (): Promise<never> => Promise.withResolvers<never>().promise;

/** When, by the test's clock, one manager's upkeep calls a store on which another manager leads until `diesAt`. */
function follower(diesAt: number, { nextInMs }: { nextInMs?: (now: number) => number | undefined } = {}) {
  const clock = new FakeClock();
  const { leaseMs, seatMs, rescueEveryMs: everyMs, pollMs } = settingsOf({ transporter: { claim: run } as never });
  const calls = { campaign: [] as number[], promote: [] as number[], expired: [] as number[], prune: [] as number[] };
  const shared = { clock, random: () => 0, log: run };
  // Renewed for the last time just before its death.
  const heldUntil = diesAt + seatMs;
  const campaign = async (): Promise<Campaign> => {
    calls.campaign.push(clock.now());
    if (clock.now() >= heldUntil) return { leading: true, fence: 2 };
    const retryInMs = clock.now() < diesAt ? seatMs : heldUntil - clock.now();
    return { leading: false, fence: 1, retryInMs };
  };
  const leader = new Leader({
    ...shared,
    transporter: { leader: { campaign, resign: async () => undefined } },
    manager: "follower",
    leaseMs: seatMs,
    onElected: () => {
      for (const service of [promoter, rescuer, pruner]) service.wake();
    },
  });
  const promoter = new Promoter({
    ...shared,
    transporter: {
      promote: async () => {
        calls.promote.push(clock.now());
        const next = nextInMs?.(clock.now());
        return next === undefined ? { promoted: 0 } : { promoted: 0, nextInMs: next };
      },
    },
    leader,
    pollMs,
    onPromoted: run,
  });
  const rescuer = new Rescuer({
    ...shared,
    transporter: {
      expired: async () => {
        calls.expired.push(clock.now());
        return [];
      },
    },
    leader,
    settler: { settle: never },
    runner: { holds: () => false },
    definitions: new Map(),
    everyMs,
  });
  const pruner = new Pruner({
    ...shared,
    transporter: {
      keeping: {
        prune: async () => {
          calls.prune.push(clock.now());
          return { jobs: 0, flows: 0, more: false };
        },
      },
    },
    leader,
    kept: { processedMs: 0, badMs: 0 },
  });
  const services = [leader, promoter, rescuer, pruner];
  for (const service of services) service.start();
  const stop = async (): Promise<void> => void (await Promise.all(services.map((service) => service.stop())));
  return { clock, calls, leader, promoter, leaseMs, seatMs, pollMs, stop };
}

describe("upkeep by one of many managers", () => {
  test("L9 L13: a follower looks for what is due, lost or kept long enough a fraction as often as the leader; it does not prune", async () => {
    const { clock, calls, leader, stop } = follower(Infinity);
    await clock.advance(100_000);
    expect(leader.leads).toBe(false);
    expect([calls.promote.length, calls.expired.length, calls.prune.length]).toEqual([11, 11, 0]);
    const leading = follower(-Infinity);
    await leading.clock.advance(100_000);
    expect(leading.leader.leads).toBe(true);
    const { promote, expired, prune } = leading.calls;
    expect([promote.length, expired.length, prune.length].map((count) => count >= 20)).toEqual([true, true, true]);
    expect(promote.length).toBeGreaterThanOrEqual(100);
    await Promise.all([stop(), leading.stop()]);
  });

  test("L9: a worker dies, and the leader just before that worker's lease ends: its jobs are found within 15 s all the same", async () => {
    const { leaseMs } = follower(Infinity);
    for (const diesAt of [leaseMs - 2_500, leaseMs - 1_000, leaseMs - 1, leaseMs, leaseMs + 2_400]) {
      // The worker's last renewal is at 0: its lease ends at 10 s.
      const { clock, calls, stop } = follower(diesAt);
      await clock.advance(30_000);
      const found = calls.expired.find((at) => at >= leaseMs) ?? Infinity;
      // The leader, were it alive, looks every 2.5 s.
      const foundByLeader = diesAt > leaseMs + 2_500 ? leaseMs + 2_500 : Infinity;
      expect(Math.min(found, foundByLeader), `leader died at ${diesAt}`).toBeLessThanOrEqual(15_000);
      await stop();
    }
  });

  test("L2: a job that a follower knows of is no later than a poll when the leader is dead; its own of less than a poll are on time", async () => {
    const dueAt = 7_300;
    const { clock, calls, promoter, pollMs, stop } = follower(7_000, {
      nextInMs: (now) => (now < dueAt + pollMs ? Math.max(0, dueAt - now) : undefined),
    });
    await clock.advance(8_400);
    const late = (calls.promote.find((at) => at >= dueAt) ?? Infinity) - dueAt;
    expect(late).toBeLessThanOrEqual(pollMs);
    const before = calls.promote.length;
    promoter.delayed(300);
    await clock.advance(299);
    expect(calls.promote.slice(before).some((at) => at >= 8_700)).toBe(false);
    await clock.advance(1);
    expect(calls.promote.at(-1)).toBe(8_700);
    await stop();
  });

  test("L2: what no follower knows of is promoted as soon as one has taken the seat", async () => {
    const { clock, calls, seatMs, stop } = follower(4_000);
    await clock.advance(4_000 + seatMs + 10);
    const first = calls.promote.find((at) => at > 4_000) ?? Infinity;
    expect(first).toBeLessThanOrEqual(4_000 + seatMs + 1);
    await stop();
  });

  test("L9 L13: of three managers on one store one does the upkeep; when it stops another does, and nothing is left lying", async () => {
    const transporter = await store();
    const counts = [0, 0, 0];
    const counted = (index: number): Transporter =>
      withFaults(transporter, {
        keeping: {
          prune: async (...args) => {
            counts[index] = (counts[index] ?? 0) + 1;
            return await transporter.keeping.prune(...args);
          },
        },
      });
    const job = defineJob("job", { run });
    const managers = counts.map((_, index) => managed({ transporter: counted(index), jobs: [job] }));
    const [first] = managers;
    await first!.manager.start();
    await first!.witness.until("leader.elected");
    for (const { manager } of managers.slice(1)) await manager.start();
    await expect.poll(() => counts[0]).toBeGreaterThan(0);
    const { id } = await managers[1]!.manager.enqueue(job, undefined, { after: "100ms" });
    await managers[1]!.manager.finished(id);
    expect(counts.slice(1)).toEqual([0, 0]);
    await first!.manager.stop();
    await Promise.race(managers.slice(1).map(({ witness }) => witness.until("leader.elected")));
    await expect.poll(() => (counts[1] ?? 0) + (counts[2] ?? 0)).toBeGreaterThan(0);
    const later = await managers[2]!.manager.enqueue(job, undefined, { after: "2s" });
    expect((await managers[2]!.manager.finished(later.id)).status).toBe("processed");
    expect((await jobIn(managers[1]!.manager, id)).status).toBe("processed");
  });
});
