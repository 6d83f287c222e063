import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { settled } from "./settled.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("runs one at a time, with a pause, and asks that come meanwhile share the next run", async () => {
  const ends: (() => void)[] = [];
  const work = vi.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
  const ask = settled(work, 1_000);
  const first = ask();
  await vi.advanceTimersByTimeAsync(0);
  expect(work).toHaveBeenCalledTimes(1);
  const second = ask();
  const third = ask();
  expect(third).toBe(second);
  ends[0]?.();
  await first;
  await vi.advanceTimersByTimeAsync(999);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(work).toHaveBeenCalledTimes(2);
  ends[1]?.();
  await second;
});

test("a failure ends the run, not what comes after it", async () => {
  const work = vi.fn(async () => {
    throw new TypeError("no network");
  });
  const ask = settled(work, 10);
  await ask();
  const next = ask();
  await vi.advanceTimersByTimeAsync(10);
  await next;
  expect(work).toHaveBeenCalledTimes(2);
});
