import { describe, expect, test } from "vitest";
import type { Job } from "./job.ts";
import { spoken } from "./spoken.ts";
import { sentenceOf, type Holder, type Reason } from "./why.ts";

const job: Job = {
  id: "7",
  name: "announce",
  queue: "default",
  lane: "short",
  status: "waiting",
  input: "null",
  basePriority: 100,
  priority: 100,
  attempts: 30,
  attemptsUsed: 3,
  crashes: 0,
  errors: 0,
  fence: 0,
  version: 0,
  timeoutMs: 1_000,
  cancelRequested: false,
  createdAt: 0,
  readyAt: 0,
};
const holder: Holder = { id: "5", name: "configure", status: "delayed", attempt: 4, attempts: 30, nextInMs: 11_500 };

describe("L15 why, as a sentence", () => {
  test.each<[Reason, string]>([
    [
      { kind: "gate", stage: 2, stages: 3, unfinished: 1, heldBy: [holder] },
      "waits for stage 2 of 3: configure (attempt 4 of 30, next look in 12 s)",
    ],
    [
      { kind: "gate", stage: 2, stages: 3, unfinished: 5, heldBy: [{ ...holder, status: "in_progress" }] },
      "waits for stage 2 of 3: configure (attempt 4 of 30, next look in 12 s), and 4 more",
    ],
    [{ kind: "gate", stage: 1, stages: 2, unfinished: 2, heldBy: [] }, "waits for stage 1 of 2: 2 jobs not finished"],
    [
      { kind: "gate", stage: 1, stages: 2, unfinished: 1, heldBy: [{ ...holder, held: true }] },
      "waits for stage 1 of 2: configure (attempt 4 of 30, held by hand)",
    ],
    [
      { kind: "held", since: Date.UTC(2026, 10, 22, 3, 4, 5), status: "queued" },
      "is held by hand since 2026-11-22T03:04:05.000Z; it is queued otherwise (attempt 4 of 30)",
    ],
    [{ kind: "delay", forMs: 90_000 }, "is due in 2 min (attempt 4 of 30)"],
    [{ kind: "delay", forMs: 500, wakeKey: "a" }, 'is due in 500 ms, or when "a" is woken (attempt 4 of 30)'],
    [{ kind: "paused", queue: "mail" }, 'queue "mail" is paused'],
    [
      { kind: "no-worker", name: "a", queue: "b", managers: 0 },
      'no worker for "a" in queue "b": no manager is running',
    ],
    [
      { kind: "no-worker", name: "a", queue: "b", managers: 2 },
      'no worker for "a" in queue "b": none of 2 managers runs it',
    ],
    [{ kind: "line", queued: 12, managers: 1 }, "is ready, one of 12 in its queue, for 1 manager (attempt 4 of 30)"],
    [
      { kind: "running", manager: "host:1:ab", forMs: 3_000, leaseMs: 9_000, cancelRequested: true },
      "is running for 3 s at host:1:ab, asked to end (attempt 4 of 30)",
    ],
    [
      {
        kind: "final",
        status: "failed",
        agoMs: 7_200_000,
        noAttemptsLeft: true,
        failure: { code: "x", message: "boom\nat y" },
      },
      "was failed 2 h ago, no attempts left of 30: boom",
    ],
  ])("%o", (reason, sentence) => {
    expect(sentenceOf(job, reason)).toBe(sentence);
  });

  test("durations are spoken in one unit, and rounded up", () => {
    const ms = [0, 999, 1_000, 1_400, 89_999, 90_000, 5_400_000, 129_600_000];
    expect(ms.map(spoken)).toEqual(["0 ms", "999 ms", "1 s", "2 s", "90 s", "2 min", "2 h", "2 d"]);
  });
});
