import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { array, assert as assertProperty, asyncProperty, constant, constantFrom, nat, oneof, record } from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JobStatus } from "../../core/job.ts";
import type { Change, Claimed, ClaimRequest, NewJob, Outcome, Settlement, Transporter } from "../transporter.ts";
import { statusNow } from "./operations/read.ts";
import { sqlite } from "./index.ts";

const request: ClaimRequest = { queue: "q", lane: "short", names: ["work"], limit: 3, leaseMs: 10_000, started: true };
const job = (differs: Partial<NewJob> = {}): { job: NewJob } => ({
  job: {
    name: "work",
    queue: "q",
    lane: "short",
    input: "{}",
    priority: 100,
    attempts: 5,
    timeoutMs: 1_000,
    delayMs: 0,
    ...differs,
  },
});

let folder = "";
let file = "";
let store: Transporter;

beforeEach(open);
afterEach(close);

async function open(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "provost-jobs-"));
  file = join(folder, "jobs.db");
  store = sqlite(file);
  await store.start();
}

async function close(): Promise<void> {
  await store.stop();
  rmSync(folder, { recursive: true });
}

/** What the narrow tables must agree with, whatever has happened. */
function disagreements(): unknown[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const onRoad = "status = 'queued' AND parked <> version AND directed IS NULL AND held_at IS NULL";
  const away = "id NOT IN (SELECT id FROM jobs_running) AND id NOT IN (SELECT id FROM jobs_done)";
  const should = `SELECT line, (255 - priority) * 1024 + attempts_used, id FROM jobs_job WHERE ${onRoad} AND ${away}`;
  const statuses: JobStatus[] = ["waiting", "delayed", "queued", "in_progress", "processed", "failed", "cancelled"];
  const sums = (of: (status: JobStatus) => string): string => statuses.map(of).join(", ");
  const actual = `SELECT j.queue, j.lane, ${sums((status) => `sum(${statusNow} = '${status}')`)} FROM jobs_job AS j
    LEFT JOIN jobs_running AS r ON r.id = j.id LEFT JOIN jobs_done AS d ON d.line = j.line AND d.id = j.id GROUP BY j.queue, j.lane`;
  const counted = `SELECT queue, lane, ${sums((status) => status)} FROM jobs_count WHERE ${statuses.join(" + ")} > 0`;
  const found = [
    `SELECT 'should be ready', * FROM (${should} EXCEPT SELECT line, place, id FROM jobs_ready)`,
    `SELECT 'should not be ready', * FROM (SELECT line, place, id FROM jobs_ready EXCEPT ${should})`,
    `SELECT 'miscounted', * FROM (${actual} EXCEPT ${counted})`,
    `SELECT 'counted', * FROM (${counted} EXCEPT ${actual})`,
    "SELECT 'runs and is done', id FROM jobs_running WHERE id IN (SELECT id FROM jobs_done)",
    "SELECT 'hot, and not by its row', id FROM jobs_job WHERE status <> 'queued' AND (id IN (SELECT id FROM jobs_running) OR id IN (SELECT id FROM jobs_done))",
  ].flatMap((sql) => db.prepare(sql).all());
  db.close();
  return found;
}

const changes: Change[] = [
  { kind: "cancel", reason: "test" },
  { kind: "priority", priority: 7 },
  { kind: "hold" },
  { kind: "unhold" },
  { kind: "retry" },
  { kind: "direct" },
  { kind: "move", queue: "other" },
  { kind: "move", queue: "q" },
];

const failure = { code: "x", message: "y" };
const outcomes: ((claimed: Claimed) => Outcome)[] = [
  () => ({ kind: "processed" }),
  () => ({ kind: "processed", result: '"r"' }),
  () => ({ kind: "processed", enqueue: [job()] }),
  ({ attemptsUsed, crashes, errors }) => ({
    kind: "retry",
    cause: "released",
    delayMs: 0,
    priority: 50,
    attemptsUsed: attemptsUsed + 1,
    crashes,
    errors,
  }),
  ({ attemptsUsed, crashes, errors }) => ({
    kind: "retry",
    cause: "error",
    delayMs: 60_000,
    priority: 40,
    attemptsUsed: attemptsUsed + 1,
    crashes,
    errors: errors + 1,
    failure,
  }),
  () => ({ kind: "defer", delayMs: 0 }),
  () => ({ kind: "failed", cause: "error", attemptsUsed: 5, crashes: 0, errors: 1, failure }),
  () => ({ kind: "cancelled", failure }),
];

type Act =
  | { act: "enqueue"; differs: Partial<NewJob>; count: number }
  | { act: "flow" }
  | { act: "claim" }
  | { act: "settle"; outcomes: number[] }
  | { act: "amend"; nth: number; change: number }
  | { act: "wake" }
  | { act: "limit"; concurrency: number | null; keyConcurrency: number | null }
  | { act: "prune" };

const acts = oneof(
  {
    weight: 4,
    arbitrary: record({
      act: constant("enqueue" as const),
      differs: constantFrom<Partial<NewJob>>(
        {},
        {},
        { priority: 200 },
        { delayMs: 60_000 },
        { wakeKey: "w" },
        { delayMs: 60_000, wakeKey: "w" },
        { limitKey: "k" },
        { uniqueKey: "u" },
        { uniqueKey: "u", onClash: "replace", queue: "other", delayMs: 60_000 },
        { input: JSON.stringify("long".repeat(1_000)) },
      ),
      count: constantFrom(1, 3),
    }),
  },
  constant({ act: "flow" as const }),
  { weight: 4, arbitrary: constant({ act: "claim" as const }) },
  {
    weight: 4,
    arbitrary: record({
      act: constant("settle" as const),
      outcomes: array(nat(outcomes.length - 1), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: record({
      act: constant("amend" as const),
      nth: nat(20),
      change: nat(changes.length - 1),
    }),
  },
  constant({ act: "wake" as const }),
  record({
    act: constant("limit" as const),
    concurrency: constantFrom(null, 2),
    keyConcurrency: constantFrom(null, 1),
  }),
  constant({ act: "prune" as const }),
);

const held: Claimed[] = [];

async function perform(step: Act): Promise<void> {
  switch (step.act) {
    case "enqueue":
      await store.enqueue(Array.from({ length: step.count }, () => job(step.differs)));
      return;
    case "flow": {
      const member = { ...job().job, stage: 0 };
      const stages = [{ policy: "fail-fast" as const }, { policy: "all-settled" as const }];
      const jobs = [member, member, { ...member, stage: 1 }];
      await store.enqueue([{ flow: { jobs, stages, onFailed: job().job } }]);
      return;
    }
    case "claim":
      held.push(...(await store.claim([request], "m")));
      return;
    case "settle": {
      const ending = held.splice(0, step.outcomes.length);
      await store.settle(
        ending.map((claimed, at) => {
          const outcome = outcomes[step.outcomes[at] ?? 0]?.(claimed) ?? { kind: "processed" };
          return { id: claimed.id, fence: claimed.fence, version: claimed.version, outcome };
        }),
      );
      return;
    }
    case "amend": {
      const jobs = await store.list({ limit: 20 });
      const id = jobs[step.nth % Math.max(1, jobs.length)]?.id;
      const change = changes[step.change];
      if (id !== undefined && change !== undefined) await store.amend([id], change).catch(refusedByKey);
      return;
    }
    case "wake":
      await store.wake(["w"]);
      return;
    case "limit":
      await store.queues.configure("q", { concurrency: step.concurrency, keyConcurrency: step.keyConcurrency });
      return;
    case "prune":
      await store.keeping.prune({ processedMs: -1, badMs: -1 }, 2);
  }
}

/** A retry by hand of a job whose unique key another one holds by now. */
function refusedByKey(error: unknown): void {
  expect(error).toMatchObject({ code: "unique_key_taken" });
}

function end(claimed: Claimed | undefined, fence = claimed?.fence ?? 0): Settlement {
  return { id: claimed?.id ?? "", fence, version: 0, outcome: { kind: "processed", result: '"r"' } };
}

describe("the hot road", () => {
  it("L2 L15 whatever is done, ready jobs are those that their rows say, and counts are what is there", async () => {
    await assertProperty(
      asyncProperty(array(acts, { minLength: 5, maxLength: 40 }), async (steps) => {
        await close();
        await open();
        held.length = 0;
        for (const step of steps) await perform(step);
        expect(disagreements()).toEqual([]);
      }),
      // Each run opens a store of its own, whose threads and file take most of the time.
      { numRuns: process.env["CI"] ? 50 : 10 },
    );
  }, 240_000);

  it("L3 the same job twice in one settlement ends once; an old fence ends nothing, and the others of the batch do end", async () => {
    await store.enqueue([job(), job(), job()]);
    const [first, second, third] = await store.claim([request], "m");
    const results = await store.settle([end(third), end(first), end(first), end(second, 9), end(second)]);
    expect(results.map(({ state }) => state)).toEqual(["applied", "applied", "refused", "refused", "applied"]);
    const [line] = await store.sight.counts();
    expect(line?.counts).toMatchObject({ queued: 0, in_progress: 0, processed: 3 });
    expect(disagreements()).toEqual([]);
  });

  it("L3 L4 L15 jobs claimed ahead, of two lines, with results and without, plain and not: each gets its start with its end", async () => {
    const differs = [{}, { queue: "other" }, { uniqueKey: "u" }, {}, { queue: "other" }, {}];
    await store.enqueue(differs.map(job));
    const ahead = ["q", "other"].map((queue) => ({ ...request, queue, limit: 10, started: false }));
    const claimed = await store.claim(ahead, "m");
    expect(claimed).toHaveLength(6);
    // The last still runs: what ends is not all that stands between the first and the last of it.
    const running = claimed.find(({ id }) => id === "4");
    const now = await store.now();
    const ends = claimed.filter((each) => each !== running);
    const endings = ends.map(({ id, fence, version }, at): Settlement => {
      const outcome: Outcome = { kind: "processed", ...(at % 2 === 0 ? { result: String(at) } : {}) };
      return { id, fence: at === 0 ? fence + 1 : fence, version, outcome, startedMs: 60_000 * at };
    });
    const states = (await store.settle(endings)).map(({ state }) => state);
    expect(states).toEqual(["refused", "applied", "applied", "applied", "applied"]);
    const jobs = await store.get(ends.map(({ id }) => id));
    for (const [at, { status, result, startedAt }] of jobs.entries()) {
      expect(status).toBe(at === 0 ? "in_progress" : "processed");
      expect(result).toBe(at === 0 || at % 2 === 1 ? undefined : String(at));
      if (at > 0) expect(Math.round(((startedAt ?? 0) - now) / 60_000)).toBe(-at);
    }
    expect(disagreements()).toEqual([]);
  });

  it("L7 a wake that came while a job ran is there for its release, also when a person or a limit meets the job between", async () => {
    const meet: (() => Promise<unknown>)[] = [
      () => store.amend(["1"], { kind: "priority", priority: 9 }),
      () => store.queues.configure("q", { concurrency: 5 }),
    ];
    for (const [at, met] of meet.entries()) {
      const [added] = await store.enqueue([job({ wakeKey: "w" })]);
      const id = added?.ids[0] ?? "";
      const [claimed] = await store.claim([request], "m");
      expect(claimed?.id, String(at)).toBe(id);
      expect(await store.wake(["w"])).toBe(1);
      await met();
      const [now] = await store.get([id]);
      const { fence = 0, version = 0 } = now ?? {};
      const release: Outcome = {
        kind: "retry",
        cause: "released",
        delayMs: 60_000,
        priority: 100,
        attemptsUsed: 1,
        crashes: 0,
        errors: 0,
      };
      expect(await store.settle([{ id, fence, version, outcome: release }])).toEqual([{ state: "applied" }]);
      const [again] = await store.claim([request], "m");
      expect(again).toMatchObject({ id, fence: fence + 1 });
      await store.settle([end(again)]);
    }
    expect(disagreements()).toEqual([]);
  });

  it("L1 those of other names stay in line, before and behind what is taken", async () => {
    const names = ["other", "work", "other", "work", "work", "other"];
    const added = await store.enqueue(names.map((name, at) => job({ name, priority: at < 3 ? 200 : 100 })));
    const claimed = await store.claim([request], "m");
    expect(claimed.map(({ id }) => id)).toEqual([1, 3, 4].map((at) => added[at]?.ids[0]));
    expect(disagreements()).toEqual([]);
    const rest = await store.claim([{ ...request, names: ["other"] }], "m");
    expect(rest.map(({ id }) => id)).toEqual([0, 2, 5].map((at) => added[at]?.ids[0]));
  });

  it("L11 inputs and results come back as they were, short and long, whatever is in them", async () => {
    const odd = `"\\u0000 \\ud800 \\" \u2028 é 😀 ${"x".repeat(10)}"`;
    const texts = [odd, JSON.stringify("long".repeat(2_000)), "null", '{"1":[]}'];
    await store.enqueue(texts.map((input) => job({ input })));
    await store.enqueue(texts.slice(0, 1).flatMap((input) => [job({ input }), job({ input })]));
    const all = { ...request, limit: 10 };
    const claimed = await store.claim([all], "m");
    expect(claimed.map(({ input }) => input)).toEqual([...texts, odd, odd]);
    await store.settle(
      claimed.map(({ id, fence, version, input }) => ({
        id,
        fence,
        version,
        outcome: { kind: "processed", result: input },
      })),
    );
    const jobs = await store.get(claimed.map(({ id }) => id));
    expect(jobs.map(({ result }) => result)).toEqual([...texts, odd, odd]);
  });

  it("L14 L17 enqueues that go together: one that is refused takes no other along", async () => {
    await store.enqueue([job({ uniqueKey: "u" })]);
    const refused = { uniqueKey: "u", onClash: "reject" as const };
    const results = await Promise.allSettled([
      store.enqueue([job(), job()]),
      store.enqueue([job(), job(refused)]),
      store.enqueue([job({ priority: 3 })]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "unique_key_taken" } });
    expect(await store.list({ limit: 10 })).toHaveLength(4);
    expect(disagreements()).toEqual([]);
  });
});
