import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobId } from "../core/job.ts";
import type { Claimed, Enqueued, NewJob } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, modelMsMax, one, retry } from "./fixture.ts";

/** L17: what an enqueue does whose unique key is held: `onClash`. */
export function uniqueSuite(suite: TransporterSuite): void {
  describe(`L17 clashes of unique keys: ${suite.name}`, () => clashLaws(suite));
  describe(`L17 clashes of unique keys, model: ${suite.name}`, () => clashModel(suite));
}

function clashLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  const enqueue = async (...jobs: Partial<NewJob>[]): Promise<Enqueued[]> =>
    await store.transporter.enqueue(jobs.map((job) => ({ job: store.job(job) })));

  it("L17 reject: refused with the holder in its details, all or none; the same for a flow", async () => {
    const uniqueKey = store.key("u");
    const holder = await store.enqueueOne({ uniqueKey });
    const reject = { uniqueKey, onClash: "reject" } as const;
    const refusal = { code: "unique_key_taken", details: { holder } };
    await expect(enqueue({}, reject)).rejects.toMatchObject(refusal);
    await expect(enqueue(reject)).rejects.toThrow(`unique key "${uniqueKey}" is held by job ${holder}`);
    const flow = { ...store.flow([{ jobs: ["work"] }]), ...reject };
    await expect(store.transporter.enqueue([{ flow }])).rejects.toMatchObject(refusal);
    expect(await store.processReady()).toEqual([holder]);
    const { flowId = "" } = one(await store.transporter.enqueue([{ flow }]));
    await expect(enqueue(reject)).rejects.toMatchObject({ code: "unique_key_taken", details: { holder: flowId } });
    await store.processReady();
    expect(one(await enqueue(reject)).state).toBe("added");
  });

  it("L17 replace: a job that was never started becomes the new one, under its id", async () => {
    const uniqueKey = store.key("u");
    const wakeKey = store.key("w");
    const holder = await store.enqueueOne({ uniqueKey, delayMs: 60_000, input: '"old"', wakeKey: store.key("old") });
    const before = await store.get(holder);
    const differs = {
      name: "other",
      lane: "long",
      input: '"new"',
      priority: 200,
      attempts: 7,
      timeoutMs: 5_000,
    } as const;
    const more = { queue: `${store.queue}-b`, uniqueKey, onClash: "replace", wakeKey, limitKey: "l" } as const;
    expect(await enqueue({ ...differs, ...more })).toEqual([{ state: "replaced", ids: [holder] }]);
    const job = await store.get(holder);
    expect(job).toMatchObject({
      ...differs,
      queue: more.queue,
      basePriority: 200,
      status: "queued",
      wakeKey,
      limitKey: "l",
    });
    expect([job.uniqueKey, job.createdAt]).toEqual([uniqueKey, before.createdAt]);
    expect(job.version).toBeGreaterThan(before.version);
    expect(await store.transporter.wake([store.key("old")])).toBe(0);
    expect(await store.claim({ names: ["work", "other"] })).toEqual([]);
    const claimed = await store.claimOne({ queue: more.queue, lane: "long", names: ["other"] });
    expect(claimed).toMatchObject({ id: holder, input: '"new"', attempts: 7 });
    await store.settle(claimed, { kind: "processed" });
    const lines = (await store.transporter.sight.counts()).filter(({ queue }) => queue.startsWith(store.queue));
    const counted = lines.map(({ queue, lane, counts }) => [queue, lane, Object.values(counts).join("")]);
    expect(counted).toEqual([
      [store.queue, "short", "0000000"],
      [more.queue, "long", "0000100"],
    ]);
  });

  it("L17 replace with a delay puts it off again, and off a directed run; a hold by hand stays", async () => {
    const uniqueKey = store.key("u");
    const replace = { uniqueKey, onClash: "replace", delayMs: 60_000 } as const;
    const holder = await store.enqueueOne({ uniqueKey, delayMs: 60_000 });
    store.setClock(40_000);
    expect(one(await enqueue(replace)).state).toBe("replaced");
    store.setClock(80_000);
    expect((await store.transporter.promote(10)).promoted).toBe(0);
    await store.transporter.amend([holder], { kind: "direct" });
    expect(one(await enqueue(replace)).state).toBe("replaced");
    expect(await store.claim()).toEqual([]);
    await store.transporter.amend([holder], { kind: "hold" });
    expect(one(await enqueue({ uniqueKey, onClash: "replace" })).state).toBe("replaced");
    expect(await store.claim()).toEqual([]);
    await store.transporter.amend([holder], { kind: "unhold" });
    expect((await store.claimOne()).id).toBe(holder);
  });

  it("L17 replace keeps what was started, runs, has ended and is remembered, or is in a flow, and says so", async () => {
    const uniqueKey = store.key("u");
    const replace = { uniqueKey, onClash: "replace", input: '"new"' } as const;
    const holder = await store.enqueueOne({ uniqueKey, uniqueKeptMs: 60_000 });
    const existing = [{ state: "existing", ids: [holder] }];
    const claimed = await store.claimOne();
    expect(await enqueue(replace)).toEqual(existing);
    await store.settle(claimed, retry());
    expect(await enqueue(replace)).toEqual(existing);
    await store.settle(await store.claimOne(), { kind: "processed" });
    expect(await enqueue(replace)).toEqual(existing);
    expect((await store.get(holder)).input).toBe("{}");
    const key = store.key("flow");
    const flow = one(await store.transporter.enqueue([{ flow: store.flow([{ jobs: ["work"] }], { uniqueKey: key }) }]));
    expect(await enqueue({ ...replace, uniqueKey: key })).toEqual([{ ...flow, state: "existing" }]);
  });

  it("L17 replace within one call: the last one counts, each is told; what it says of keeping the key counts too", async () => {
    const uniqueKey = store.key("u");
    const replace = { uniqueKey, onClash: "replace" } as const;
    const results = await enqueue(
      { uniqueKey, input: "1", uniqueKeptMs: 60_000 },
      { ...replace, input: "2" },
      { ...replace, input: "3" },
    );
    const [id = ""] = results[0]?.ids ?? [];
    expect(results.map(({ state, ids }) => [state, ids])).toEqual([
      ["added", [id]],
      ["replaced", [id]],
      ["replaced", [id]],
    ]);
    expect((await store.claimOne()).input).toBe("3");
    await store.transporter.settle([{ id, fence: 1, version: 0, outcome: { kind: "processed" } }]);
    expect(one(await enqueue(replace)).state).toBe("added");
  });

  it("L14 L17 replace of the job that a freed key was waiting for lets the next of its key in", async () => {
    await store.transporter.queues.configure(store.queue, { keyConcurrency: 1 });
    const uniqueKey = store.key("u");
    const ids = await store.enqueue({ limitKey: "a" }, { limitKey: "a", uniqueKey }, { limitKey: "a" });
    const [running] = await store.claim();
    await store.settle(running!, { kind: "processed" });
    expect(one(await enqueue({ uniqueKey, onClash: "replace", delayMs: 60_000 })).state).toBe("replaced");
    expect((await store.claim()).map(({ id }) => id)).toEqual([ids[2]]);
  });

  it("L3 L17 replaced by two connections while it is claimed: the claim has one input, whole, and each answer is true", async () => {
    const other = await store.second();
    for (let round = 0; round < 15; round += 1) {
      const uniqueKey = store.key(`u${round}`);
      const id = await store.enqueueOne({ uniqueKey, input: '"first"', priority: 1 });
      const put = (transporter: typeof other, input: string, priority: number): Promise<Enqueued[]> =>
        transporter.enqueue([{ job: store.job({ uniqueKey, onClash: "replace", input, priority }) }]);
      const [one1, claims, two2] = await Promise.all([
        put(other, '"a"', 11),
        store.claim(),
        put(store.transporter, '"b"', 22),
      ]);
      const states = [one(one1).state, one(two2).state];
      const claimed = claims[0] ?? (await store.claimOne());
      expect(claimed.id).toBe(id);
      const pairs = { '"first"': 1, '"a"': 11, '"b"': 22 } as Record<string, number>;
      expect(claimed.priority).toBe(pairs[claimed.input]);
      if (claimed.input === '"first"') expect(states).toEqual(["existing", "existing"]);
      if (states[0] === "replaced" && states[1] === "existing") expect(claimed.input).toBe('"a"');
      if (states[1] === "replaced" && states[0] === "existing") expect(claimed.input).toBe('"b"');
      await store.settle(claimed, { kind: "processed" });
    }
  });
}

type Step =
  | { do: "enqueue"; key: number; onClash: "keep" | "reject" | "replace"; priority: number; delayed: boolean }
  | { do: "claim" }
  | { do: "settle"; which: number; back: boolean };

interface ModelJob {
  id: JobId;
  key: number;
  priority: number;
  input: string;
  used: number;
  delayed: boolean;
  claimed: Claimed | undefined;
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("enqueue" as const),
      key: fc.nat(2),
      onClash: fc.constantFrom("keep" as const, "reject" as const, "replace" as const),
      priority: fc.nat(255),
      delayed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("claim" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const), which: fc.nat(5), back: fc.boolean() }) },
);

function clashModel(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  let run = 0;

  it(
    "L17 random enqueues, claims and ends: a key has one job, and a clash does what it was told to",
    async () => {
      const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        run += 1;
        await new ClashRun(store, `${store.queue}-${run}`).play(steps);
      });
      await fc.assert(property, { numRuns: suite.modelRuns ?? 30 });
    },
    modelMsMax(suite),
  );
}

class ClashRun {
  readonly #store: Fixture;
  readonly #queue: string;
  #jobs: ModelJob[] = [];
  #inputs = 0;

  constructor(store: Fixture, queue: string) {
    this.#store = store;
    this.#queue = queue;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      if (each.do === "enqueue") await this.#enqueue(each);
      else if (each.do === "claim") await this.#claim();
      else await this.#settle(each);
    }
    for (const { id, input, priority, used } of this.#jobs)
      expect(await this.#store.get(id)).toMatchObject({ input, priority, attemptsUsed: used });
    await this.#end();
  }

  async #enqueue({ key, onClash, priority, delayed }: Extract<Step, { do: "enqueue" }>): Promise<void> {
    this.#inputs += 1;
    const job = this.#store.job({
      queue: this.#queue,
      uniqueKey: `${this.#queue}:${key}`,
      ...(onClash === "keep" ? {} : { onClash }),
      priority,
      attempts: 100,
      delayMs: delayed ? 3_600_000 : 0,
      input: String(this.#inputs),
    });
    const holder = this.#jobs.find((each) => each.key === key);
    const enqueued = this.#store.transporter.enqueue([{ job }]);
    if (holder !== undefined && onClash === "reject") {
      await expect(enqueued).rejects.toMatchObject({ details: { holder: holder.id } });
      return;
    }
    const { state, ids } = one(await enqueued);
    const [id = ""] = ids;
    if (holder === undefined) {
      expect(state).toBe("added");
      this.#jobs.push({ id, key, priority, input: job.input, used: 0, delayed, claimed: undefined });
      return;
    }
    const replaces = onClash === "replace" && holder.used === 0 && holder.claimed === undefined;
    expect([state, id]).toEqual([replaces ? "replaced" : "existing", holder.id]);
    if (replaces) Object.assign(holder, { priority, input: job.input, delayed });
  }

  async #claim(): Promise<void> {
    const ready = this.#jobs.filter(({ delayed, claimed }) => !delayed && claimed === undefined);
    const [first] = ready.toSorted((a, b) => b.priority - a.priority || a.used - b.used || Number(a.id) - Number(b.id));
    const [claimed] = await this.#store.claim({ queue: this.#queue, limit: 1 });
    expect([claimed?.id, claimed?.input]).toEqual([first?.id, first?.input]);
    if (first !== undefined) first.claimed = claimed;
  }

  async #settle({ which, back }: Extract<Step, { do: "settle" }>): Promise<void> {
    const running = this.#jobs.filter(({ claimed }) => claimed !== undefined);
    const job = running[which % Math.max(1, running.length)];
    if (job?.claimed === undefined) return;
    const { claimed } = job;
    job.claimed = undefined;
    if (back) {
      job.used += 1;
      await this.#store.settle(claimed, retry({ priority: job.priority, attemptsUsed: job.used }));
    } else {
      await this.#store.settle(claimed, { kind: "processed" });
      this.#jobs = this.#jobs.filter((each) => each !== job);
    }
  }

  async #end(): Promise<void> {
    for (const { claimed } of this.#jobs)
      if (claimed !== undefined) await this.#store.settle(claimed, { kind: "processed" });
    const left = this.#jobs.filter(({ claimed }) => claimed === undefined).map(({ id }) => id);
    if (left.length > 0) await this.#store.transporter.amend(left, { kind: "cancel", reason: "the run is over" });
  }
}
