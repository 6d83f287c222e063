import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobId } from "../core/job.ts";
import type { Claimed, Outcome } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, failure, retry } from "./fixture.ts";

/** A job as the model sees it: what L1–L4 say of it and nothing else. */
interface ModelJob {
  order: number;
  status: "delayed" | "queued" | "in_progress" | "processed" | "failed" | "cancelled";
  priority: number;
  attemptsUsed: number;
  readyAt: number;
  fence: number;
  cancelRequested: boolean;
  changed: boolean;
}

type Step =
  | { kind: "enqueue"; priority: number; delayMs: number }
  | { kind: "claim"; limit: number }
  | {
      kind: "settle";
      pick: number;
      how: "processed" | "retry" | "defer" | "failed" | "cancelled";
      priority: number;
      delayMs: number;
      stale: boolean;
    }
  | { kind: "cancel"; pick: number }
  | { kind: "priority"; pick: number; priority: number }
  | { kind: "pass"; ms: number };

const priority = fc.integer({ min: 0, max: 255 });
const pick = fc.nat({ max: 20 });
const delayMs = fc.constantFrom(0, 0, 10_000, 60_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("enqueue" as const), priority, delayMs }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      pick,
      how: fc.constantFrom(
        "processed" as const,
        "retry" as const,
        "defer" as const,
        "failed" as const,
        "cancelled" as const,
      ),
      priority,
      delayMs,
      stale: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("priority" as const), pick, priority }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(20_000, 120_000) }) },
);

/** L1–L4 as one pure model: random acts on the store and on the model must tell the same. */
export function modelSuite(suite: TransporterSuite): void {
  describe(`L1 L2 L3 L4 model: ${suite.name}`, () => {
    const store = new Fixture(suite);
    let run = 0;

    it("L1 L2 L3 L4 random enqueues, claims, settlements, cancels and delays agree with the model", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
          run += 1;
          store.setClock(0);
          await new ModelRun(store, `${store.queue}-run-${run}`).play(steps);
        }),
        { numRuns: suite.modelRuns ?? 30 },
      );
    });
  });
}

class ModelRun {
  readonly #store: Fixture;
  readonly #queue: string;
  readonly #jobs = new Map<JobId, ModelJob>();
  readonly #claims: Claimed[] = [];
  #clock = 0;

  constructor(store: Fixture, queue: string) {
    this.#store = store;
    this.#queue = queue;
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const each of steps) await this.#step(each);
    for (const [id, model] of this.#jobs) {
      expect(await this.#store.get(id)).toMatchObject({
        status: model.status,
        priority: model.priority,
        attemptsUsed: model.attemptsUsed,
        fence: model.fence,
      });
    }
  }

  #step(each: Step): Promise<void> {
    switch (each.kind) {
      case "enqueue":
        return this.#enqueue(each);
      case "claim":
        return this.#claim(each.limit);
      case "settle":
        return this.#settle(each);
      case "cancel":
      case "priority":
        return this.#amend(each);
      default:
        return this.#pass(each.ms);
    }
  }

  async #enqueue({ priority: given, delayMs: delay }: Extract<Step, { kind: "enqueue" }>): Promise<void> {
    const id = await this.#store.enqueueOne({ queue: this.#queue, priority: given, delayMs: delay });
    this.#jobs.set(id, {
      order: this.#jobs.size,
      status: delay > 0 ? "delayed" : "queued",
      priority: given,
      attemptsUsed: 0,
      readyAt: this.#clock + delay,
      fence: 0,
      cancelRequested: false,
      changed: false,
    });
  }

  async #claim(limit: number): Promise<void> {
    const expected = [...this.#jobs]
      .filter(([, job]) => job.status === "queued")
      .toSorted(([, a], [, b]) => b.priority - a.priority || a.attemptsUsed - b.attemptsUsed || a.order - b.order)
      .slice(0, limit);
    const claimed = await this.#store.claim({ queue: this.#queue, limit });
    expect(claimed.map(({ id }) => id)).toEqual(expected.map(([id]) => id));
    for (const [, job] of expected) {
      job.status = "in_progress";
      job.fence += 1;
      job.changed = false;
    }
    this.#claims.push(...claimed);
  }

  async #settle(each: Extract<Step, { kind: "settle" }>): Promise<void> {
    const claimed = this.#claims[each.pick % Math.max(1, this.#claims.length)];
    const job = claimed === undefined ? undefined : this.#jobs.get(claimed.id);
    if (claimed === undefined || job === undefined) return;
    const attemptsUsed = job.attemptsUsed + 1;
    const result = await this.#store.settle(
      claimed,
      outcomeOf(each, attemptsUsed),
      each.stale ? { fence: claimed.fence - 1 } : {},
    );
    if (each.stale || job.status !== "in_progress" || job.fence !== claimed.fence) {
      expect(result).toEqual({ state: "refused", why: "fence" });
      return;
    }
    if (job.changed && (each.how === "retry" || each.how === "defer")) {
      expect(result).toMatchObject({
        state: "refused",
        why: "version",
        current: { cancelRequested: job.cancelRequested },
      });
      return;
    }
    expect(result).toEqual({ state: "applied" });
    if (each.how === "retry") {
      job.attemptsUsed = attemptsUsed;
      job.priority = each.priority;
    }
    if (each.how === "failed") job.attemptsUsed = attemptsUsed;
    if (each.how === "retry" || each.how === "defer") {
      job.status = each.delayMs > 0 ? "delayed" : "queued";
      job.readyAt = this.#clock + each.delayMs;
    } else job.status = each.how;
  }

  async #amend(each: Extract<Step, { kind: "cancel" | "priority" }>): Promise<void> {
    const [id, job] = [...this.#jobs][each.pick % Math.max(1, this.#jobs.size)] ?? [];
    if (id === undefined || job === undefined) return;
    const change =
      each.kind === "cancel" ? { kind: each.kind, reason: "test" } : { kind: each.kind, priority: each.priority };
    const [result] = await this.#store.transporter.amend([id], change);
    if (["processed", "failed", "cancelled"].includes(job.status)) {
      expect(result).toEqual({ state: "refused", status: job.status });
      return;
    }
    job.changed = true;
    if (each.kind === "priority") job.priority = each.priority;
    else if (job.status === "in_progress") job.cancelRequested = true;
    else job.status = "cancelled";
    expect(result).toEqual({ state: each.kind === "cancel" && job.status === "in_progress" ? "requested" : "applied" });
  }

  async #pass(ms: number): Promise<void> {
    this.#clock += ms;
    this.#store.setClock(this.#clock);
    await this.#store.transporter.promote(1_000);
    for (const job of this.#jobs.values())
      if (job.status === "delayed" && job.readyAt <= this.#clock) job.status = "queued";
  }
}

function outcomeOf(each: Extract<Step, { kind: "settle" }>, attemptsUsed: number): Outcome {
  switch (each.how) {
    case "processed":
      return { kind: "processed" };
    case "retry":
      return retry({ priority: each.priority, delayMs: each.delayMs, attemptsUsed });
    case "defer":
      return { kind: "defer", delayMs: each.delayMs };
    case "failed":
      return { kind: "failed", cause: "error", attemptsUsed, crashes: 0, failure };
    default:
      return { kind: "cancelled", failure: { code: "cancelled", message: "asked to" } };
  }
}
