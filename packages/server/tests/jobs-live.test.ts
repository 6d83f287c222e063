import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { JobsOverview } from "@provost/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { JobsLive } from "../src/http/jobs-live.ts";

const overview: JobsOverview = {
  at: "2026-11-22T00:00:00.000Z",
  running: 0,
  ready: 0,
  delayed: 0,
  waiting: 0,
  failedLastHour: 0,
  perMinute: 0,
  processes: 1,
  queues: [],
  failing: [],
  minutes: [],
};

/** A client as the server has it. */
class Response extends EventEmitter {
  readonly sent: string[] = [];
  writableEnded = false;
  writableNeedDrain = false;

  write(text: string): void {
    this.sent.push(text);
  }

  end(): void {
    this.writableEnded = true;
    this.emit("close");
  }

  events(event: string): unknown[] {
    return this.sent
      .filter((text) => text.startsWith(`event: ${event}\n`))
      .map((text) => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? ""));
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function served() {
  const state = {
    overview,
    looks: 0,
    listener: undefined as ((job: { id: string; name: string }) => void) | undefined,
  };
  const live = new JobsLive(
    {
      overview: async () => {
        state.looks += 1;
        return { ...state.overview, at: new Date(Date.now()).toISOString() };
      },
      subscribe: (listener) => {
        state.listener = listener;
        return () => (state.listener = undefined);
      },
    },
    { pollMs: 2_000, heartbeatMs: 15_000 },
  );
  const client = (allowed = async (): Promise<void> => undefined): Response => {
    const response = new Response();
    // What is used of it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    void live.follow(response as unknown as ServerResponse, allowed);
    return response;
  };
  return { live, state, client };
}

describe("L15 the overview, live", () => {
  test("is looked at once for all, sent at once and when it has changed, and not at all when nobody watches", async () => {
    const { state, client } = served();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.looks).toBe(0);
    const one = client();
    await vi.advanceTimersByTimeAsync(0);
    const other = client();
    expect(one.events("overview")).toMatchObject([{ ready: 0 }]);
    expect(other.events("overview")).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.looks).toBe(6);
    expect(one.events("overview")).toHaveLength(1);
    state.overview = { ...overview, ready: 5 };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(one.events("overview").at(-1)).toMatchObject({ ready: 5 });
    expect(other.events("overview")).toHaveLength(2);
    one.end();
    other.end();
    await vi.advanceTimersByTimeAsync(0);
    const { looks } = state;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.looks).toBe(looks);
    expect(state.listener).toBeUndefined();
  });

  test("a wait that grows is no change, until it has grown by 10 s", async () => {
    const { state, client } = served();
    const one = client();
    const waited = (ms: number): void => {
      state.overview = { ...overview, oldestWait: { queue: "q", lane: "short", ms } };
    };
    waited(1_000);
    await vi.advanceTimersByTimeAsync(2_000);
    waited(9_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(one.events("overview")).toHaveLength(2);
    waited(11_000);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(one.events("overview")).toHaveLength(3);
    one.end();
  });

  test("hints name what has changed since the last, to their bounds", async () => {
    const { state, client } = served();
    const one = client();
    await vi.advanceTimersByTimeAsync(0);
    state.listener?.({ id: "1", name: "a" });
    state.listener?.({ id: "1", name: "a" });
    await vi.advanceTimersByTimeAsync(2_000);
    for (let id = 0; id < 600; id += 1) state.listener?.({ id: `${id}`, name: `n${id}` });
    await vi.advanceTimersByTimeAsync(4_000);
    const [first, second, more] = one.events("jobs") as { ids: string[]; names: string[]; more: boolean }[];
    expect(first).toEqual({ ids: ["1"], names: ["a"], more: false });
    expect([second?.ids.length, second?.names.length, second?.more]).toEqual([500, 100, true]);
    expect(more).toBeUndefined();
    one.end();
  });

  test("who does not take what was sent gets the latest when it has; who may not see any more is cut off", async () => {
    const { state, client } = served();
    const slow = client();
    let allowed = true;
    const leaver = client(async () => {
      if (!allowed) throw new RangeError("revoked");
    });
    await vi.advanceTimersByTimeAsync(0);
    slow.writableNeedDrain = true;
    state.overview = { ...overview, ready: 1 };
    await vi.advanceTimersByTimeAsync(2_000);
    expect(slow.events("overview")).toHaveLength(1);
    slow.writableNeedDrain = false;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(slow.events("overview").at(-1)).toMatchObject({ ready: 1 });
    allowed = false;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(leaver.writableEnded).toBe(true);
    expect(slow.writableEnded).toBe(false);
    slow.end();
  });
});
