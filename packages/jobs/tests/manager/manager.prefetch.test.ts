import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  defineJob,
  typed,
  type Claimed,
  type ClaimRequest,
  type JobDefinition,
  type JobOptions,
  type Lease,
  type Transporter,
} from "../../src/index.ts";
import type { JobManager } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { managed, stoppedAfter, store, temporaryFolder, withFaults } from "./harness.ts";

/** Until it holds: the store's own thread answers when it can. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(condition, { timeout: 60_000, interval: 1 });
}

/** A manager whose slots are all held by jobs that end when the test says so, with claims ahead behind them. */
class Prefetched {
  readonly slots = 4;
  isOver = false;
  readonly clock = new FakeClock();
  /** In the order they began. */
  readonly began: string[] = [];
  readonly ahead = new Map<string, Claimed>();
  readonly asked: ClaimRequest[] = [];
  /** Until it resolves, answers to claims are on their way. */
  answers: Promise<void> | undefined;
  /** What claims have brought that are on their way. */
  answering = 0;
  /** The manager hears of ready jobs by this alone. */
  hint: (() => void) | undefined;
  readonly renewed: Lease[] = [];
  /** Of those claimed ahead, how many began that the store did not know of. */
  unmarked = 0;
  /** Ends of running jobs, by id, in the order they began. */
  readonly running = new Map<string, () => void>();
  readonly slow = defineJob("slow", {
    run: async ({ jobId }) => {
      this.began.push(jobId);
      if (this.ahead.delete(jobId) && !this.renewed.some(({ id }) => id === jobId)) this.unmarked += 1;
      await new Promise<void>((resolve) => {
        if (this.isOver) resolve();
        else this.running.set(jobId, resolve);
      });
    },
  });
  readonly urgent = defineJob("urgent", { run: ({ jobId }) => void this.began.push(jobId) });
  transporter!: Transporter;
  manager!: JobManager;

  async filled(more: JobDefinition[] = [], options: JobOptions = {}, given?: Transporter): Promise<this> {
    let ended = 0;
    const quick = defineJob("quick", { priority: 200, input: typed<number>(), run: () => void (ended += 1) });
    const real = given ?? (await store());
    this.transporter = withFaults(real, {
      claim: async (requests, manager) => {
        this.asked.push(...requests);
        const claimed = await real.claim(requests, manager);
        if (requests.some(({ started }) => !started)) for (const job of claimed) this.ahead.set(job.id, job);
        this.answering += 1;
        await this.answers;
        this.answering -= 1;
        return claimed;
      },
      onReady: (listener) => {
        const off = real.onReady((queues) => {
          if (this.answers === undefined) listener(queues);
        });
        this.hint = () => listener(["default"]);
        return off;
      },
      renew: async (leases) => {
        this.renewed.push(...leases);
        return await real.renew(leases);
      },
    });
    const { manager } = managed({
      transporter: this.transporter,
      jobs: [quick, this.slow, this.urgent, ...more],
      slots: { short: this.slots },
      lease: 60_000,
      poll: 1_000,
      clock: this.clock,
    });
    this.manager = manager;
    await manager.enqueueMany(Array.from({ length: 150 }, (_, n) => quick.with(n)));
    await manager.enqueueMany(Array.from({ length: 300 }, () => this.slow.with(undefined, options)));
    await manager.start();
    await until(() => ended === 150 && this.running.size === this.slots);
    await this.clock.advance(50);
    // A slot that frees up makes the claimer look at its pace.
    this.endOne();
    await until(() => this.ahead.size > 20 && this.running.size === this.slots);
    return this;
  }

  endOne(): void {
    const [[id, end] = []] = this.running;
    if (id === undefined || end === undefined) return;
    this.running.delete(id);
    end();
  }

  /** What began since the call, when one slot has freed up and been filled again. */
  async next(): Promise<string> {
    const before = this.began.length;
    this.endOne();
    await until(() => this.began.length > before);
    return this.began[before] ?? "";
  }

  /** Lets everything that runs end. */
  over(): void {
    this.isOver = true;
    for (const end of this.running.values()) end();
  }

  async stop(): Promise<void> {
    this.over();
    await this.manager.stop();
  }
}

/** All that goes on without a turn of the event loop. */
async function microtasks(): Promise<void> {
  for (let more = 100; more > 0; more -= 1) await Promise.resolve();
}

/** An urgent job straight into the store. */
async function enqueuedUnheard({ transporter, urgent }: Prefetched): Promise<string | undefined> {
  const place = { name: urgent.name, queue: "default", lane: "short" } as const;
  const job = { ...place, input: "null", priority: 255, attempts: 3, timeoutMs: 60_000, delayMs: 0 };
  const [enqueued] = await transporter.enqueue([{ job }]);
  return enqueued?.ids[0];
}

let jobs: Prefetched;

// Before the harness stops the manager, whose clock stands still.
afterEach(() => jobs.over());

describe("L16 claims ahead", () => {
  test("L16: begin in the order of L1, and leave the round trip out of a slot's way", async () => {
    jobs = await new Prefetched().filled();
    const [first, second] = [...jobs.ahead.keys()];
    expect(await jobs.next()).toBe(first);
    expect(await jobs.next()).toBe(second);
  });

  test("L4, L10, L13: with one attempt left the store knows that it begins before it does; else it is told later", async () => {
    jobs = await new Prefetched().filled([], { attempts: 1 });
    for (let begun = 0; begun < 5; begun += 1) await jobs.next();
    expect(jobs.unmarked).toBe(0);
    jobs.over();
    jobs = await new Prefetched().filled();
    for (let begun = 0; begun < 5; begun += 1) await jobs.next();
    expect(jobs.unmarked).toBeGreaterThan(0);
  });

  test("L1, L16: a job of priority 255 enqueued while all slots are held begins on the next one that frees up, every time", async () => {
    jobs = await new Prefetched().filled();
    for (let trial = 0; trial < 100; trial += 1) {
      expect(jobs.ahead.size).toBeGreaterThan(0);
      const { id } = await jobs.manager.enqueue(jobs.urgent, undefined, { priority: 255 });
      expect(await jobs.next()).toBe(id);
      await until(() => jobs.running.size === jobs.slots);
      // What it took the place of begins after it; the pace that filled the line stays.
      await jobs.clock.advance(1);
    }
  });

  test("L1, L16: so do several that came together, one after the other", async () => {
    jobs = await new Prefetched().filled();
    const urgent = await jobs.manager.enqueueMany(
      [150, 255, 150].map((priority) => jobs.urgent.with(undefined, { priority })),
    );
    const [low, high, last] = urgent.map(({ id }) => id);
    const before = jobs.began.length;
    await jobs.next();
    await until(() => jobs.began.length > before + 3);
    // An urgent one ends at once: its slot is the next.
    expect(jobs.began.slice(before, before + 3)).toEqual([high, low, last]);
  });

  test("L5, L16: so does one that is directed to run now, whatever its priority", async () => {
    jobs = await new Prefetched().filled();
    const { id } = await jobs.manager.enqueue(jobs.urgent, undefined, { priority: 0, after: "1h" });
    expect(await jobs.manager.runNow(id)).toEqual([{ state: "applied" }]);
    expect(await jobs.next()).toBe(id);
  });

  test("L1, L16: a slot that frees up while a claim is answered waits for the hint that comes behind it in the same turn", async () => {
    jobs = await new Prefetched().filled();
    const before = jobs.began.length;
    const { promise, resolve } = Promise.withResolvers<void>();
    jobs.answers = promise;
    jobs.hint?.();
    jobs.endOne();
    await until(() => jobs.answering === 1);
    const urgent = await enqueuedUnheard(jobs);
    jobs.endOne();
    await microtasks();
    resolve();
    await microtasks();
    jobs.answers = undefined;
    jobs.hint?.();
    await until(() => jobs.began.length >= before + 2);
    // The first is what the claim was for.
    expect(jobs.began[before + 1]).toBe(urgent);
  });

  test("L1, L5, L16: so do those that another connection enqueues or directs, told by its hint alone", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    // Nobody looks for others' commits.
    const [own, other] = [1, 2].map(() => stoppedAfter(sqlite(path, { pollMs: 3_600_000 })));
    await own?.start();
    await other?.start();
    jobs = await new Prefetched().filled([], {}, own);
    const { manager: elsewhere } = managed({ transporter: other! });
    for (let trial = 0; trial < 50; trial += 1) {
      await jobs.clock.advance(1);
      const { id } = await elsewhere.enqueue(jobs.urgent, undefined, { priority: 255 });
      expect(await jobs.next()).toBe(id);
      await until(() => jobs.running.size === jobs.slots);
      expect(jobs.ahead.size).toBeGreaterThan(0);
    }
    await jobs.clock.advance(1);
    const { id } = await elsewhere.enqueue(jobs.urgent, undefined, { priority: 0, after: "1h" });
    expect(await elsewhere.runNow(id)).toEqual([{ state: "applied" }]);
    expect(await jobs.next()).toBe(id);
  });

  test("L4: a stop gives them back at no cost, with no attempt on record", async () => {
    jobs = await new Prefetched().filled();
    const ahead = [...jobs.ahead.keys()];
    await jobs.stop();
    const back = await jobs.transporter.get(ahead);
    expect(back.map(({ status, attemptsUsed, priority }) => [status, attemptsUsed, priority])).toEqual(
      ahead.map(() => ["queued", 0, 100]),
    );
    expect(await jobs.transporter.attempts(ahead[0] ?? "")).toEqual([]);
    expect(jobs.began).not.toEqual(expect.arrayContaining([ahead[1]]));
  });

  test("L16: a cancel, a hold and a priority given here meet a job that waits, and it does not begin", async () => {
    jobs = await new Prefetched().filled();
    const [cancelled = "", held = "", lowered = ""] = jobs.ahead.keys();
    expect(await jobs.manager.cancel(cancelled)).toMatchObject([{ state: "applied" }]);
    expect(await jobs.manager.hold(held)).toMatchObject([{ state: "applied" }]);
    expect(await jobs.manager.priority(lowered, 1)).toMatchObject([{ state: "applied" }]);
    for (let slot = 0; slot < 8; slot += 1) expect([cancelled, held, lowered]).not.toContain(await jobs.next());
    const found = await jobs.transporter.get([cancelled, held, lowered]);
    expect(found.map(({ status, attemptsUsed }) => [status, attemptsUsed])).toEqual([
      ["cancelled", 0],
      ["queued", 0],
      ["queued", 0],
    ]);
  });

  test("L2, L16: when their queue is paused they go back", async () => {
    jobs = await new Prefetched().filled();
    const ahead = [...jobs.ahead.keys()];
    await jobs.manager.queues.pause("default");
    const began = jobs.began.length;
    for (let slot = 0; slot < jobs.slots; slot += 1) jobs.endOne();
    const isBack = async (): Promise<boolean> =>
      (await jobs.transporter.get(ahead)).every(({ status }) => status === "queued");
    await until(isBack);
    expect(jobs.began.length).toBe(began);
  });

  test("L9: what has waited for a second behind long jobs goes back, for others to run", async () => {
    jobs = await new Prefetched().filled();
    const ahead = [...jobs.ahead.keys()];
    const isBack = async (): Promise<boolean> =>
      (await jobs.transporter.get(ahead)).every(({ status }) => status === "queued");
    for (let seconds = 0; !(await isBack()); seconds += 1) {
      expect(seconds).toBeLessThan(30);
      await jobs.clock.advance(500);
    }
    // The pace is forgotten: nothing is claimed ahead of jobs that are long.
    jobs.ahead.clear();
    await jobs.clock.advance(3_000);
    expect(jobs.ahead.size).toBe(0);
  });

  test("L4, L9: one that has begun is marked started by a renewal, or tells its start with its end", async () => {
    jobs = await new Prefetched().filled();
    const ended = await jobs.next();
    const marked = await jobs.next();
    expect((await jobs.transporter.get([marked]))[0]?.startedAt).toBeUndefined();
    jobs.running.get(ended)?.();
    jobs.running.delete(ended);
    await jobs.clock.advance(200);
    await until(() => jobs.renewed.some(({ id }) => id === marked));
    const isMarked = async (): Promise<boolean> => (await jobs.transporter.get([marked]))[0]?.startedAt !== undefined;
    await until(isMarked);
    const isEnded = async (): Promise<boolean> => (await jobs.transporter.get([ended]))[0]?.status === "processed";
    await until(isEnded);
    expect((await jobs.transporter.get([ended]))[0]?.startedAt).toBeGreaterThan(0);
  });

  test("L14: nothing is claimed ahead of a queue with limits, whose places it would take", async () => {
    jobs = new Prefetched();
    const limited = defineJob("limited", { queue: "limited", run: jobs.urgent.run });
    await jobs.filled([limited]);
    await jobs.manager.queues.configure("limited", { concurrency: 100 });
    const ids = await jobs.manager.enqueueMany(Array.from({ length: 50 }, () => limited.with()));
    for (let slot = 0; slot < 10; slot += 1) await jobs.next();
    const asked = jobs.asked.filter(({ queue }) => queue === "limited").map(({ limit }) => limit);
    expect(Math.max(...asked)).toBeLessThanOrEqual(jobs.slots);
    expect(ids.some(({ id }) => jobs.began.includes(id))).toBe(true);
  });
});
