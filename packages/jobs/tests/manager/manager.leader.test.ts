import { describe, expect, test } from "vitest";
import type { Campaign, LeaderSeat, ManagerEvent } from "../../src/index.ts";
import { JobsError } from "../../src/index.ts";
import { Leader } from "../../src/manager/leader.ts";
import { FakeClock } from "./fake-clock.ts";

const leaseMs = 6_000;

/** A leader on a clock of the test's own; `answer` is what the store says to each campaign. */
function campaigning(answer: () => Campaign | Promise<Campaign>): {
  leader: Leader;
  clock: FakeClock;
  events: ManagerEvent[];
  calls: string[];
} {
  const [clock, events, calls] = [new FakeClock(), [] as ManagerEvent[], [] as string[]];
  const seat: LeaderSeat = {
    campaign: async () => {
      calls.push(`campaign at ${clock.now()}`);
      return await answer();
    },
    resign: async () => void calls.push("resign"),
  };
  const leader = new Leader({
    transporter: { leader: seat },
    manager: "me",
    leaseMs,
    clock,
    random: () => 0,
    log: (event) => events.push(event),
    onElected: () => calls.push("elected"),
  });
  return { leader, clock, events, calls };
}

const won = (): Campaign => ({ leading: true, fence: 1 });
const away = (): never => {
  throw new JobsError("store_unavailable", "the test has cut it off");
};

describe("L13 leader", () => {
  test("it keeps the seat three times a lease, is told of its election once, and resigns at stop", async () => {
    const { leader, clock, calls, events } = campaigning(() => ({ leading: true, fence: 4 }));
    expect(leader.leads).toBe(false);
    leader.start();
    await clock.advance(5_000);
    expect(leader.leads).toBe(true);
    await leader.stop();
    expect(leader.leads).toBe(false);
    expect(calls).toEqual(["campaign at 0", "elected", "campaign at 2000", "campaign at 4000", "resign"]);
    expect(events).toEqual([
      { event: "leader.elected", manager: "me", fence: 4 },
      { event: "leader.deposed", manager: "me", fence: 4 },
    ]);
  });

  test("a follower comes back when the leader's lease ends, not at a rhythm; it resigns nothing", async () => {
    let answer: Campaign = { leading: false, fence: 1, retryInMs: 5_000 };
    const { leader, clock, calls } = campaigning(() => answer);
    leader.start();
    await clock.advance(5_000);
    expect(calls).toEqual(["campaign at 0"]);
    answer = { leading: false, fence: 1, retryInMs: 1 };
    await clock.advance(1);
    await leader.stop();
    expect(calls).toEqual(["campaign at 0", "campaign at 5001"]);
  });

  test("who cannot reach the store stops leading when its lease is out, by its own clock, and is elected anew", async () => {
    let answer = won;
    const { leader, clock, calls, events } = campaigning(() => answer());
    leader.start();
    await clock.advance(1_000);
    answer = away;
    await clock.advance(4_999);
    expect(leader.leads).toBe(true);
    await clock.advance(1);
    expect(leader.leads).toBe(false);
    answer = won;
    await clock.advance(6_000);
    expect(leader.leads).toBe(true);
    expect(calls.filter((call) => call === "elected")).toHaveLength(2);
    expect(events.filter(({ event }) => event.startsWith("leader")).map(({ event }) => event)).toEqual([
      "leader.elected",
      "leader.deposed",
      "leader.elected",
    ]);
    await leader.stop();
  });

  test("the lease counts from before the call: an answer that took longer than it makes no leader", async () => {
    const { promise, resolve } = Promise.withResolvers<Campaign>();
    const { leader, clock } = campaigning(() => promise);
    leader.start();
    await clock.advance(leaseMs);
    resolve({ leading: true, fence: 1 });
    await clock.advance(0);
    expect(leader.leads).toBe(false);
    await leader.stop();
  });
});
