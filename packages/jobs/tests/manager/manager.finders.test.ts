import { describe, expect, test } from "vitest";
import type { AttemptEnd } from "../../src/core/outcome.ts";
import {
  defineJob,
  type Claimed,
  type ClaimRequest,
  type ConfiguredQueue,
  type ExpiredClaim,
  type Lane,
} from "../../src/index.ts";
import { queueDefaults } from "../../src/core/queue.ts";
import { Attempt } from "../../src/manager/attempt.ts";
import { Claimer } from "../../src/manager/claimer.ts";
import { Promoter } from "../../src/manager/promoter.ts";
import { registryOf } from "../../src/manager/registry.ts";
import { Rescuer } from "../../src/manager/rescuer.ts";
import { claimOf, kindOf } from "./claims.ts";
import { FakeClock, turns } from "./fake-clock.ts";

const run = (): void => undefined;

/** A claimer over a list of ready jobs, whose claims wait for `go` where the test says so. */
function claimer(
  slots: Record<Lane, number>,
  ready: Claimed[],
  hold?: () => Promise<void>,
  configured: ConfiguredQueue[] = [],
) {
  const clock = new FakeClock();
  const calls: ClaimRequest[][] = [];
  const began: string[] = [];
  const free = { ...slots };
  const hints: ((queues: string[]) => void)[] = [];
  const back: string[] = [];
  const registry = registryOf([
    defineJob("job", { run }),
    defineJob("long", { lane: "long", run }),
    defineJob("other", { queue: "other", run }),
  ]);
  const service = new Claimer({
    transporter: {
      claim: async (requests) => {
        calls.push(requests);
        const taken = requests.flatMap(({ queue, lane, limit }) =>
          ready.filter((job) => job.queue === queue && job.lane === lane).slice(0, limit),
        );
        for (const job of taken) ready.splice(ready.indexOf(job), 1);
        await hold?.();
        return taken;
      },
      onReady: (listener) => {
        hints.push(listener);
        return run;
      },
      queues: { list: async () => configured, configure: async () => queueDefaults },
    },
    registry,
    runner: {
      freeSlots: (lane) => free[lane],
      kindOf: (name) => {
        const definition = registry.definitions.get(name);
        return definition && kindOf(definition);
      },
      take: (claimed, taking) => new Attempt({ claimed, ...taking }),
      begin: (attempt, now) => {
        attempt.startedAt = now;
        free[attempt.claimed.lane] -= 1;
        began.push(attempt.claimed.id);
      },
      giveBack: (attempt) => {
        attempt.set("ended");
        back.push(attempt.claimed.id);
      },
    },
    processes: { free: () => Infinity },
    manager: "m",
    leaseMs: 9_000,
    pollMs: 1_000,
    clock,
    random: () => 1,
    log: run,
  });
  service.start();
  return { clock, calls, began, back, free, service, hint: (queues: string[]) => hints[0]?.(queues) };
}

describe("Claimer", () => {
  test("L8, L16: free slots of a lane are dealt to its queues, another one first each time; a full lane asks for nothing", async () => {
    const { calls, service, clock } = claimer({ short: 3, long: 0 }, []);
    await clock.advance(1_000);
    expect(calls.map((requests) => requests.map(({ queue, lane, limit }) => `${queue} ${lane} ${limit}`))).toEqual([
      ["other short 2", "default short 1"],
      ["default short 2", "other short 1"],
    ]);
    expect(calls[0]?.[0]?.names).toEqual(["job", "long", "other"]);
    await service.stop();
  });

  test("L16: slots are dealt by the queues' weights, also one at a time", async () => {
    const ready = ["default", "other"].flatMap((queue) =>
      Array.from({ length: 40 }, (_, index) =>
        claimOf({ id: `${queue}-${index}`, queue, name: queue === "other" ? "other" : "job" }),
      ),
    );
    const weighted = { ...queueDefaults, queue: "other", weight: 3 };
    const { free, began, service } = claimer({ short: 8, long: 0 }, ready, undefined, [weighted]);
    await turns();
    expect(began.filter((id) => id.startsWith("other"))).toHaveLength(6);
    expect(began).toHaveLength(8);
    for (let slot = 0; slot < 8; slot += 1) {
      free.short += 1;
      service.freeSlot();
      await turns();
    }
    expect(began).toHaveLength(16);
    expect(began.filter((id) => id.startsWith("other"))).toHaveLength(12);
    await service.stop();
  });

  test("L14: a queue with a rate is asked again when the rate may have brought one, less often while it is idle", async () => {
    const limited = { ...queueDefaults, queue: "other", ratePerSecond: 10 };
    const { calls, clock, service } = claimer({ short: 4, long: 0 }, [], undefined, [limited]);
    await turns();
    const asked = (): number => calls.flat().filter(({ queue }) => queue === "other").length;
    const first = asked();
    await clock.advance(200);
    expect(asked()).toBe(first + 1);
    await clock.advance(200);
    expect(asked()).toBe(first + 1);
    await clock.advance(200);
    expect(asked()).toBeGreaterThan(first + 1);
    await service.stop();
  });

  test("L5: a claim with directed jobs, which may be of any queue, does not call a queue empty", async () => {
    const ready = [claimOf({ id: "directed", queue: "default", directed: true })];
    const { calls, service } = claimer({ short: 4, long: 0 }, ready);
    await turns();
    expect(calls.length).toBeGreaterThan(1);
    expect(calls[1]?.map(({ queue }) => queue).toSorted()).toEqual(["default", "other"]);
    await service.stop();
  });

  test("it claims on while there is more and room for it, then rests until a hint, a slot with work waiting, or the poll", async () => {
    const ready = Array.from({ length: 5 }, (_, index) => claimOf({ id: String(index) }));
    const { calls, began, free, service, hint, clock } = claimer({ short: 4, long: 0 }, ready);
    await turns();
    expect(began).toEqual(["0", "1", "2", "3"]);
    const before = calls.length;
    await turns();
    expect(calls.length).toBe(before);
    free.short += 1;
    service.freeSlot();
    await turns();
    expect(began).toHaveLength(5);
    // Now it is known to be empty: freed slots do not ask again, a hint does.
    free.short += 4;
    service.freeSlot();
    await clock.advance(1_000);
    const drained = calls.length;
    service.freeSlot();
    await turns();
    expect(calls.length).toBe(drained);
    hint(["unserved"]);
    await turns();
    expect(calls.length).toBe(drained);
    hint(["other"]);
    await turns();
    expect(calls.length).toBe(drained + 1);
    await service.stop();
  });

  test("more queues than free slots, all empty: each is asked once, then it rests until the poll", async () => {
    const { calls, service, clock } = claimer({ short: 1, long: 1 }, []);
    await turns();
    await turns();
    const asked = calls.flatMap((requests) => requests.map(({ queue, lane }) => `${queue} ${lane}`));
    expect(asked.toSorted()).toEqual(["default long", "default short", "other short"]);
    await clock.advance(1_000);
    expect(calls.flat()).toHaveLength(6);
    await service.stop();
  });

  test("a queue known to be empty is asked again with every poll, though another never rests", async () => {
    const ready = Array.from({ length: 1_000 }, (_, index) => claimOf({ id: String(index) }));
    const { clock, began, free, service } = claimer({ short: 2, long: 0 }, ready);
    await turns();
    ready.push(claimOf({ id: "lost hint", queue: "other" }));
    for (let step = 0; step < 20 && !began.includes("lost hint"); step += 1) {
      free.short = 2;
      service.freeSlot();
      await clock.advance(100);
    }
    expect(began).toContain("lost hint");
    expect(ready.length).toBeGreaterThan(0);
    await service.stop();
  });

  test("a hint that comes while a claim is under way is not lost, not even when no slot is free by then", async () => {
    const go: (() => void)[] = [];
    const ready: Claimed[] = [];
    const { began, free, service, hint } = claimer({ short: 2, long: 0 }, ready, () => new Promise((r) => go.push(r)));
    await turns();
    // The claim has read already and found nothing; then a job comes, while the slots are full for a moment.
    ready.push(claimOf({ id: "late" }));
    hint(["default"]);
    free.short = 0;
    go.shift()?.();
    await turns();
    expect(began).toEqual([]);
    free.short = 2;
    service.freeSlot();
    await turns();
    go.shift()?.();
    await turns();
    expect(began).toEqual(["late"]);
    const stopped = service.stop();
    for (const end of go) end();
    await stopped;
  });
});

describe("Promoter", () => {
  test("one timer for all delayed jobs, set to the next that is due and set earlier when told; never busy", async () => {
    const at: number[] = [];
    const answers = [
      { promoted: 0, nextInMs: 400 },
      { promoted: 1, nextInMs: 0 },
      { promoted: 0, nextInMs: 0 },
    ];
    const clock = new FakeClock();
    let told = 0;
    const service = new Promoter({
      transporter: {
        promote: async () => {
          at.push(clock.now());
          return answers.shift() ?? { promoted: 0 };
        },
      },
      leader: { leads: true },
      pollMs: 1_000,
      clock,
      random: () => 1,
      log: run,
      onPromoted: () => (told += 1),
    });
    service.start();
    await clock.advance(500);
    expect(at).toEqual([0, 400, 410, 420]);
    expect(told).toBe(1);
    service.delayed(200);
    await clock.advance(300);
    expect(at).toEqual([0, 400, 410, 420, 700]);
    await service.stop();
  });
});

function expired(id: string, fields: Partial<ExpiredClaim> = {}): ExpiredClaim {
  return { ...claimOf({ id, name: "unknown here" }), started: true, claimedBy: "dead", ...fields };
}

describe("Rescuer", () => {
  test("L4, L9: lost attempts are charged, unstarted ones are not, those that this manager still runs are left alone", async () => {
    const found = [expired("1"), expired("2", { started: false }), expired("own"), expired("own", { fence: 7 })];
    const settled: [string, number, AttemptEnd["kind"], boolean | undefined][] = [];
    const clock = new FakeClock();
    const service = new Rescuer({
      transporter: { expired: async () => found.splice(0) },
      settler: {
        settle: async ({ job, end, expiredOnly }) => {
          settled.push([job.id, job.fence, end.kind, expiredOnly]);
          return { state: "refused", why: "not-expired" };
        },
      },
      runner: { holds: (id, fence) => id === "own" && fence === 7 },
      definitions: new Map(),
      leader: { leads: true },
      everyMs: 2_500,
      clock,
      random: () => 1,
      log: run,
    });
    service.start();
    await turns();
    expect(settled).toEqual([
      ["1", 1, "lost", true],
      ["2", 1, "deferred", true],
      ["own", 1, "lost", true],
    ]);
    found.push(expired("3"));
    await clock.advance(2_500);
    expect(settled).toHaveLength(4);
    await service.stop();
  });
});
