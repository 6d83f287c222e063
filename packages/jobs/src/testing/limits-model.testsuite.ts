import {
  array,
  assert,
  asyncProperty,
  boolean,
  constant,
  integer,
  nat,
  oneof,
  option,
  record,
  type Arbitrary,
} from "fast-check";
import { describe, expect, it } from "vitest";
import type { Claimed } from "../transporters/transporter.ts";
import { Fixture, retry, type TransporterSuite, modelMsMax } from "./fixture.ts";

type Step =
  | { do: "enqueue"; key: number; priority: number }
  | { do: "claim"; limit: number }
  | { do: "settle"; which: number; back: boolean }
  | { do: "limit"; concurrency: number | null; keyConcurrency: number | null };

const limit = option(integer({ min: 1, max: 4 }), { nil: null });
const step: Arbitrary<Step> = oneof(
  {
    weight: 4,
    arbitrary: record({
      do: constant("enqueue" as const),
      key: nat(2),
      priority: integer({ min: 90, max: 110 }),
    }),
  },
  { weight: 3, arbitrary: record({ do: constant("claim" as const), limit: integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: record({ do: constant("settle" as const), which: nat(20), back: boolean() }) },
  { weight: 1, arbitrary: record({ do: constant("limit" as const), concurrency: limit, keyConcurrency: limit }) },
);

interface ModelJob {
  id: string;
  key: string | undefined;
  priority: number;
  used: number;
}

/** The law as one reads it: in the order of L1, each job that neither limit holds back. */
function expectedClaim(
  ready: readonly ModelJob[],
  running: readonly ModelJob[],
  want: number,
  limits: Limits,
): string[] {
  const taken: ModelJob[] = [];
  const order = ready.toSorted((a, b) => b.priority - a.priority || a.used - b.used || Number(a.id) - Number(b.id));
  for (const job of order) {
    const all = [...running, ...taken];
    if (taken.length >= want || all.length >= (limits.concurrency ?? Infinity)) break;
    const ofKey = all.filter(({ key }) => key !== undefined && key === job.key).length;
    if (ofKey < (limits.keyConcurrency ?? Infinity)) taken.push(job);
  }
  return taken.map(({ id }) => id);
}

interface Limits {
  concurrency: number | null;
  keyConcurrency: number | null;
}

/** L14 as a property: random acts against the law as a pure function. */
export function limitsModelSuite(suite: TransporterSuite): void {
  describe(`L14 limits: model: ${suite.name}`, () => modelLaws(suite));
}

function modelLaws(suite: TransporterSuite): void {
  const store = new Fixture(suite);
  let run = 0;

  it(
    "L14 L1 random enqueues, claims, ends and changes of the limits take what the law takes, no more and no less",
    async () => {
      const property = asyncProperty(array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        run += 1;
        await runModel(store, `${store.queue}-${run}`, steps);
      });
      await assert(property, { numRuns: suite.modelRuns ?? 30 });
    },
    modelMsMax(suite),
  );
}

async function runModel(store: Fixture, queue: string, steps: readonly Step[]): Promise<void> {
  const limits: Limits = { concurrency: null, keyConcurrency: null };
  let ready: ModelJob[] = [];
  let running: (ModelJob & { claimed: Claimed })[] = [];
  for (const each of steps) {
    if (each.do === "enqueue") {
      const key = each.key === 0 ? undefined : `key-${each.key}`;
      const job = { queue, priority: each.priority, attempts: 100, ...(key === undefined ? {} : { limitKey: key }) };
      ready.push({ id: await store.enqueueOne(job), key, priority: each.priority, used: 0 });
    } else if (each.do === "limit") {
      const { concurrency, keyConcurrency } = each;
      await store.transporter.queues.configure(queue, Object.assign(limits, { concurrency, keyConcurrency }));
      // A changed limit brings back what was set aside with the next promotion.
      while ((await store.transporter.promote(100)).promoted > 0);
    } else if (each.do === "claim") {
      const expected = expectedClaim(ready, running, each.limit, limits);
      const claimed = await store.claim({ queue, limit: each.limit });
      expect(claimed.map(({ id }) => id)).toEqual(expected);
      const taken = new Map(claimed.map((job) => [job.id, job]));
      running.push(...ready.filter(({ id }) => taken.has(id)).map((job) => ({ ...job, claimed: taken.get(job.id)! })));
      ready = ready.filter(({ id }) => !taken.has(id));
    } else if (running.length > 0) {
      const [job] = running.splice(each.which % running.length, 1);
      const { claimed, ...rest } = job!;
      const used = rest.used + 1;
      const outcome = each.back
        ? retry({ priority: rest.priority, attemptsUsed: used })
        : ({ kind: "processed" } as const);
      expect(await store.settle(claimed, outcome)).toEqual({ state: "applied" });
      if (each.back) ready.push({ ...rest, used });
    }
  }
  for (const { claimed } of running) await store.settle(claimed, { kind: "processed" });
  running = [];
}
