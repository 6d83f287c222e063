import { describe, expect, test } from "vitest";
import { steadyDecay } from "../../src/core/decay.ts";
import { defaultRules, type AttemptEnd } from "../../src/core/outcome.ts";
import { defineJob, JobsError } from "../../src/index.ts";
import type { RenewState, Settlement, SettleResult } from "../../src/index.ts";
import { Attempt } from "../../src/manager/attempt.ts";
import type { AbortReason, ManagerEvent } from "../../src/manager/events.ts";
import { LeaseKeeper } from "../../src/manager/lease-keeper.ts";
import { Pulse } from "../../src/manager/pulse.ts";
import { Settler, type Settled } from "../../src/manager/settler.ts";
import { claimOf, kindOf } from "./claims.ts";
import { FakeClock, turns } from "./fake-clock.ts";

const definition = defineJob("job", { run() {} });
const away = new JobsError("store_unavailable", "away");

function pulse(beat: () => Promise<number>): { clock: FakeClock; rhythm: Pulse; events: ManagerEvent[] } {
  const clock = new FakeClock();
  const events: ManagerEvent[] = [];
  const rhythm = new Pulse({ service: "claimer", clock, random: () => 1, log: (event) => events.push(event), beat });
  return { clock, rhythm, events };
}

describe("Pulse", () => {
  test("wakes of one turn make one beat; a wake during a beat makes another behind it, never beside it", async () => {
    let beats = 0;
    let beating = 0;
    const go: (() => void)[] = [];
    const { rhythm } = pulse(async () => {
      beats += 1;
      beating += 1;
      expect(beating).toBe(1);
      await new Promise<void>((resolve) => go.push(resolve));
      beating -= 1;
      return 1_000;
    });
    rhythm.start();
    for (let wake = 0; wake < 5; wake += 1) rhythm.wake();
    await turns();
    expect(beats).toBe(1);
    rhythm.wake();
    rhythm.wake();
    go.shift()?.();
    await turns();
    expect(beats).toBe(2);
    go.shift()?.();
    await turns();
    expect(beats).toBe(2);
    const stopped = rhythm.stop();
    rhythm.wake();
    await stopped;
    expect(beats).toBe(2);
  });

  test("it keeps its own pace, comes earlier when told, never busy", async () => {
    const at: number[] = [];
    const { clock, rhythm } = pulse(async () => {
      at.push(clock.now());
      return 1_000;
    });
    rhythm.start();
    await clock.advance(1_500);
    rhythm.wakeIn(100);
    rhythm.wakeIn(5_000);
    await clock.advance(1_200);
    expect(at).toEqual([0, 1_000, 1_600, 2_600]);
    await rhythm.stop();
    await clock.advance(10_000);
    expect(at).toHaveLength(4);
  });

  test("errors back off up to 5 s, wakes do not hasten that, and it recovers", async () => {
    const at: number[] = [];
    let broken = true;
    const { clock, rhythm, events } = pulse(async () => {
      at.push(clock.now());
      if (broken) throw away;
      return 60_000;
    });
    rhythm.start();
    for (let step = 0; step < 200; step += 1) {
      rhythm.wake();
      rhythm.wakeIn(1);
      await clock.advance(100);
    }
    expect(at).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300, 11_300, 16_300]);
    expect(events[0]).toMatchObject({ event: "service.error", failure: { code: "store_unavailable" }, retryInMs: 100 });
    broken = false;
    await clock.advance(2_000);
    rhythm.wake();
    await turns();
    expect(at.slice(9)).toEqual([21_300, 22_000]);
    await rhythm.stop();
  });
});

function keeper(renew: () => Promise<RenewState[]>) {
  const clock = new FakeClock();
  const attempt = new Attempt({ claimed: claimOf(), kind: kindOf(definition), leaseUntil: 9_000, isMarked: true });
  attempt.startedAt = 0;
  const aborted: [AbortReason, number][] = [];
  const service = new LeaseKeeper({
    transporter: { renew },
    runner: {
      live: new Set([attempt]),
      abort: (one, reason) => {
        if (one.abort(reason)) aborted.push([reason, clock.now()]);
      },
    },
    guard: { beat: () => undefined, extend: () => undefined },
    leaseMs: 9_000,
    clock,
    log: () => undefined,
  });
  service.start();
  return { clock, attempt, aborted, service };
}

describe("LeaseKeeper", () => {
  test("renews at a third of the lease, for as long as the attempt lives", async () => {
    let renewals = 0;
    const { clock, attempt, aborted, service } = keeper(async () => {
      renewals += 1;
      return ["renewed"];
    });
    await clock.advance(2_900);
    expect(renewals).toBe(0);
    await clock.advance(87_100);
    expect(renewals).toBe(30);
    expect(aborted).toEqual([]);
    expect(attempt.leaseUntil).toBeGreaterThan(90_000);
    await service.stop();
  });

  test.each<[string, () => Promise<RenewState[]>]>([
    ["fails", () => Promise.reject(away)],
    ["hangs", () => new Promise<RenewState[]>(() => undefined)],
  ])("L3: when renewal %s the attempt is aborted before its lease ends", async (_, renew) => {
    const { clock, aborted, attempt } = keeper(renew);
    await clock.advance(6_000);
    expect(aborted).toEqual([]);
    await clock.advance(20_000);
    expect(aborted).toEqual([["lease", 7_500]]);
    expect(attempt.signal.reason).toMatchObject({ code: "lease_lost" });
  });

  test("L3: a renewal that the store refuses aborts, and nothing is settled", async () => {
    const { clock, aborted, attempt, service } = keeper(async () => ["lost"]);
    await clock.advance(3_000);
    expect(aborted).toEqual([["lease", 3_000]]);
    expect(attempt.lost).toBe(true);
    await service.stop();
  });

  test("L9: after a blocked loop a lease is renewed if nobody has rescued the job", async () => {
    const { clock, aborted, attempt, service } = keeper(async () => ["renewed"]);
    clock.block(20_000);
    await clock.advance(1);
    expect(aborted).toEqual([]);
    expect(attempt.leaseUntil).toBe(29_000);
    await service.stop();
  });
});

interface Call {
  ids: string[];
  at: number;
}

function settler(answer: (settlements: Settlement[], call: number) => SettleResult[]) {
  const clock = new FakeClock();
  const calls: Call[] = [];
  const service = new Settler({
    transporter: {
      settle: async (settlements) => {
        calls.push({ ids: settlements.map(({ id }) => id), at: clock.now() });
        return answer(settlements, calls.length);
      },
    },
    clock,
    random: () => 1,
    log: () => undefined,
    onApplied: () => undefined,
  });
  const settle = (id: string, end: AttemptEnd = { kind: "processed" }, keptMs = 60_000): Promise<Settled> =>
    service.settle({ job: claimOf({ id }), end, rules: defaultRules, keptMs });
  return { clock, calls, service, settle };
}

const applied = (settlements: Settlement[]): SettleResult[] => settlements.map(() => ({ state: "applied" }));

describe("Settler", () => {
  test("ends of one turn go in one call, those that come meanwhile in the next", async () => {
    const { calls, settle, service } = settler(applied);
    const first = [settle("1"), settle("2"), settle("3")];
    await Promise.all(first);
    await Promise.all([settle("4"), settle("5")]);
    expect(calls.map(({ ids }) => ids)).toEqual([
      ["1", "2", "3"],
      ["4", "5"],
    ]);
    expect(service.pending).toBe(0);
  });

  test("a store that is away is asked again, ever more slowly, until the time to give up", async () => {
    const { clock, calls, settle, service } = settler(() => {
      throw away;
    });
    let settled: Settled | undefined;
    void settle("1", { kind: "processed" }, 5_000).then((end) => (settled = end));
    await clock.advance(20_000);
    expect(settled).toMatchObject({ state: "dropped", failure: { code: "store_unavailable" } });
    expect(calls.map(({ at }) => at)).toEqual([0, 50, 150, 350, 750, 1_550, 3_150, 5_150]);
    expect(service.pending).toBe(0);
  });

  test("what comes after everything was given up is handed over all the same", async () => {
    let broken = true;
    const { clock, settle } = settler((settlements) => {
      if (broken) throw away;
      return applied(settlements);
    });
    const dropped = settle("1", { kind: "processed" }, 0);
    await clock.advance(1_000);
    await expect(dropped).resolves.toMatchObject({ state: "dropped" });
    broken = false;
    await expect(settle("2")).resolves.toMatchObject({ state: "applied" });
  });

  test("one end that the store does not take ends as an error; the others of its batch do not suffer", async () => {
    const { settle, calls } = settler((settlements) => {
      const poisoned = settlements.some(({ id, outcome }) => id === "2" && outcome.kind === "processed");
      if (poisoned) throw new JobsError("payload_too_large", "no room");
      return applied(settlements);
    });
    const ends = await Promise.all([settle("1"), settle("2"), settle("3")]);
    expect(ends).toMatchObject([
      { state: "applied", outcome: { kind: "processed" } },
      { state: "applied", outcome: { kind: "retry", cause: "error", failure: { code: "payload_too_large" } } },
      { state: "applied", outcome: { kind: "processed" } },
    ]);
    expect(calls).toHaveLength(5);
  });

  test("L4: a priority given meanwhile is what decays; a cancel given meanwhile wins", async () => {
    const { settle } = settler((settlements, call) => {
      if (call > 1) return applied(settlements);
      return settlements.map(({ id }) => ({
        state: "refused",
        why: "version",
        current: {
          ...claimOf({ id, version: 1 }),
          ...(id === "1" ? { basePriority: 200 } : { cancelRequested: true }),
        },
      }));
    });
    const end: AttemptEnd = { kind: "released", delayMs: 10 };
    const ends = await Promise.all([settle("1", end), settle("2", end)]);
    expect(ends).toMatchObject([
      { outcome: { kind: "retry", priority: steadyDecay(200, 29, 30) } },
      { outcome: { kind: "cancelled" } },
    ]);
  });

  test("L4: an attempt that the store takes for unstarted tells how long ago it began", async () => {
    const sent: Settlement[] = [];
    const { clock, service } = settler((settlements) => {
      sent.push(...settlements);
      return applied(settlements);
    });
    await clock.advance(100);
    const ending = { job: claimOf(), end: { kind: "processed" }, rules: defaultRules, keptMs: 0 } as const;
    await Promise.all([service.settle({ ...ending, unmarkedStart: 60 }), service.settle(ending)]);
    expect(sent.map(({ startedMs }) => startedMs)).toEqual([40, undefined]);
  });

  test("stopping tries once what is left and leaves nothing waiting", async () => {
    const { clock, settle, service } = settler(() => {
      throw away;
    });
    const end = settle("1");
    await clock.advance(60);
    service.stop();
    await expect(end).resolves.toMatchObject({ state: "dropped" });
  });
});
