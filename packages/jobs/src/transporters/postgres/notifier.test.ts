import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Notifier } from "./notifier.ts";

function queuesIn(payload: string): string[] {
  const parsed: unknown = JSON.parse(payload);
  return Array.isArray(parsed) ? parsed.slice(1).map(String) : [];
}

describe("PostgreSQL: hints to other processes", () => {
  /** The queues of each NOTIFY that went apart. */
  let apart: string[][];
  let notifier: Notifier;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
    vi.advanceTimersByTime(1_000);
    apart = [];
    const query = async <R>(_text: string, values: unknown[]): Promise<R[]> => {
      const [, payloads] = values;
      if (Array.isArray(payloads)) apart.push(...payloads.map((payload) => queuesIn(String(payload))));
      return [];
    };
    notifier = new Notifier({ isOpen: true, query, client: () => expect.unreachable("nobody listens") }, "schema");
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function within(queue: string, isQuick: boolean): string[] | undefined {
    const hint = notifier.hintWithin([queue], { isQuick });
    return hint && queuesIn(hint.values[1]);
  }

  it("the first goes within its enqueue, those of the next 3 ms with one that is quick, or apart after 4 ms", async () => {
    expect(within("a", true)).toEqual(["a"]);
    notifier.ring(["b"]);
    await vi.advanceTimersByTimeAsync(2);
    expect(within("c", true)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(within("c", false)).toBeUndefined();
    expect(within("c", true)?.toSorted()).toEqual(["b", "c"]);
    notifier.ring(["d"]);
    await vi.advanceTimersByTimeAsync(3);
    expect(apart).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(apart).toEqual([["d"]]);
  });

  it("what an enqueue took along and could not bring goes apart: its jobs are there", async () => {
    notifier.ring(["a"]);
    notifier.ring(["b"]);
    await vi.advanceTimersByTimeAsync(3);
    const hint = notifier.hintWithin(["full"], { isQuick: true });
    await vi.advanceTimersByTimeAsync(10);
    expect(apart).toEqual([["a"]]);
    hint?.undone();
    await vi.advanceTimersByTimeAsync(10);
    expect(apart).toEqual([["a"], ["b"]]);
  });
});
