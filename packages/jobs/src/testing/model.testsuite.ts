import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobId } from "../core/job.ts";
import type { Claimed, Outcome } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite, failure, retry, modelMsMax } from "./fixture.ts";

/** A job as the model sees it: what L1–L4, L6 (holds), L7, L9 and L10 say of it and nothing else. */
interface ModelJob {
  order: number;
  status: "delayed" | "queued" | "in_progress" | "processed" | "failed" | "cancelled";
  basePriority: number;
  priority: number;
  attemptsUsed: number;
  readyAt: number;
  fence: number;
  leaseUntil: number;
  wakeKey: string | undefined;
  /** A wake came while it ran (L7). */
  woken: boolean;
  cancelRequested: boolean;
  held: boolean;
  changed: boolean;
}

type Step =
  | { kind: "enqueue"; priority: number; delayMs: number; wakeKey: "a" | "b" | undefined }
  | { kind: "claim"; limit: number }
  | {
      kind: "settle";
      pick: number;
      how: "processed" | "retry" | "release" | "defer" | "failed" | "cancelled";
      priority: number;
      delayMs: number;
      stale: boolean;
    }
  | { kind: "wake"; wakeKey: "a" | "b" }
  | { kind: "renew"; pick: number }
  | { kind: "rescue"; pick: number; priority: number }
  | { kind: "cancel"; pick: number }
  | { kind: "again"; pick: number }
  | { kind: "priority"; pick: number; priority: number }
  | { kind: "hold" | "unhold"; pick: number }
  | { kind: "pass"; ms: number };

const priority = fc.integer({ min: 0, max: 255 });
const pick = fc.nat({ max: 20 });
const delayMs = fc.constantFrom(0, 0, 10_000, 60_000);
const wakeKey = fc.constantFrom("a" as const, "b" as const);
/** A clock that passes by 20 s or 120 s leaves 10 s for the time that the run itself takes. */
const leaseMs = 30_000;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("enqueue" as const),
      priority,
      delayMs,
      wakeKey: fc.option(wakeKey, { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("claim" as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      pick,
      how: fc.constantFrom(
        "processed" as const,
        "retry" as const,
        "release" as const,
        "defer" as const,
        "failed" as const,
        "cancelled" as const,
      ),
      priority,
      delayMs,
      stale: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wake" as const), wakeKey }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("renew" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rescue" as const), pick, priority }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("again" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("priority" as const), pick, priority }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("hold" as const, "unhold" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(20_000, 120_000) }) },
);

/** L1–L4, L7, L9 and L10 as one pure model: random acts on the store and on the model must tell the same. */
export function modelSuite(suite: TransporterSuite): void {
  describe(`L1 L2 L3 L4 L7 L9 L10 model: ${suite.name}`, () => {
    const store = new Fixture(suite);
    let run = 0;

    it(
      "L1 L2 L3 L4 L7 L9 L10 random enqueues, claims, settlements, renewals, rescues, wakes, acts and delays agree with the model",
      async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
            run += 1;
            store.setClock(0);
            await new ModelRun(store, `${store.queue}-run-${run}`).play(steps);
          }),
          { numRuns: suite.modelRuns ?? 30 },
        );
      },
      modelMsMax(suite),
    );
  });
}

class ModelRun {
  readonly #store: Fixture;
  readonly #queue: string;
  readonly #jobs = new Map<JobId, ModelJob>();
  readonly #claims: Claimed[] = [];
  /** Wakes that met no job (L7). */
  readonly #kept = new Set<string>();
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
        ...(model.held ? { heldAt: expect.any(Number) } : {}),
      });
    }
    await this.#end();
  }

  /** Nothing is left for the next run to meet. */
  async #end(): Promise<void> {
    const left = [...this.#jobs].filter(([, job]) => ["queued", "delayed"].includes(job.status)).map(([id]) => id);
    if (left.length > 0) await this.#store.transporter.amend(left, { kind: "cancel", reason: "the run is over" });
    const running = this.#claims.filter(({ id, fence }) => this.#holder(id, fence) !== undefined);
    const outcome = { kind: "cancelled", failure: { code: "cancelled", message: "the run is over" } } as const;
    if (running.length > 0)
      await this.#store.transporter.settle(running.map(({ id, fence, version }) => ({ id, fence, version, outcome })));
  }

  /** The job, when this claim holds it. */
  #holder(id: JobId, fence: number): ModelJob | undefined {
    const job = this.#jobs.get(id);
    return job?.status === "in_progress" && job.fence === fence ? job : undefined;
  }

  #key(name: string): string {
    return `${this.#queue}:${name}`;
  }

  #step(each: Step): Promise<void> {
    switch (each.kind) {
      case "enqueue":
        return this.#enqueue(each);
      case "claim":
        return this.#claim(each.limit);
      case "settle":
        return this.#settle(each);
      case "wake":
        return this.#wake(this.#key(each.wakeKey));
      case "renew":
        return this.#renew(each.pick);
      case "rescue":
        return this.#rescue(each);
      case "again":
        return this.#again(each.pick);
      case "cancel":
      case "priority":
        return this.#amend(each);
      case "hold":
      case "unhold":
        return this.#hold(each.kind, each.pick);
      default:
        return this.#pass(each.ms);
    }
  }

  async #enqueue({
    priority: given,
    delayMs: delay,
    wakeKey: name,
  }: Extract<Step, { kind: "enqueue" }>): Promise<void> {
    const key = name === undefined ? undefined : this.#key(name);
    const id = await this.#store.enqueueOne({
      queue: this.#queue,
      priority: given,
      delayMs: delay,
      ...(key === undefined ? {} : { wakeKey: key }),
    });
    this.#jobs.set(id, {
      order: this.#jobs.size,
      status: delay > 0 ? "delayed" : "queued",
      basePriority: given,
      priority: given,
      attemptsUsed: 0,
      readyAt: this.#clock + delay,
      fence: 0,
      leaseUntil: 0,
      wakeKey: key,
      woken: false,
      cancelRequested: false,
      held: false,
      changed: false,
    });
  }

  async #claim(limit: number): Promise<void> {
    const expected = [...this.#jobs]
      .filter(([, job]) => job.status === "queued" && !job.held)
      .toSorted(([, a], [, b]) => b.priority - a.priority || a.attemptsUsed - b.attemptsUsed || a.order - b.order)
      .slice(0, limit);
    const claimed = await this.#store.claim({ queue: this.#queue, limit, leaseMs });
    expect(claimed.map(({ id }) => id)).toEqual(expected.map(([id]) => id));
    for (const [, job] of expected) {
      job.status = "in_progress";
      job.fence += 1;
      job.leaseUntil = this.#clock + leaseMs;
      job.woken = false;
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
      outcomeOf(each, attemptsUsed, job.wakeKey),
      each.stale ? { fence: claimed.fence - 1 } : {},
    );
    if (each.stale || job.status !== "in_progress" || job.fence !== claimed.fence) {
      expect(result).toEqual({ state: "refused", why: "fence" });
      return;
    }
    const comesBack = each.how === "retry" || each.how === "release" || each.how === "defer";
    if (job.changed && comesBack) {
      expect(result).toMatchObject({
        state: "refused",
        why: "version",
        current: { cancelRequested: job.cancelRequested },
      });
      return;
    }
    expect(result).toEqual({ state: "applied" });
    if (each.how === "retry" || each.how === "release") {
      job.attemptsUsed = attemptsUsed;
      job.priority = each.priority;
    }
    if (each.how === "failed") job.attemptsUsed = attemptsUsed;
    if (each.how === "retry") this.#putBack(job, each.delayMs, false);
    else if (each.how === "release" || each.how === "defer") this.#putBack(job, each.delayMs, true);
    else job.status = each.how;
  }

  /** L7: a release and a deferral use up a wake that came meanwhile or was kept for their key; an error waits all the same. */
  #putBack(job: ModelJob, delay: number, mayWake: boolean): void {
    const kept = mayWake && job.wakeKey !== undefined && this.#kept.delete(job.wakeKey);
    const woken = mayWake && job.woken;
    job.status = delay > 0 && !kept && !woken ? "delayed" : "queued";
    job.readyAt = this.#clock + delay;
  }

  async #wake(key: string): Promise<void> {
    let met = 0;
    for (const job of this.#jobs.values()) {
      if (job.wakeKey !== key || !["delayed", "queued", "in_progress"].includes(job.status)) continue;
      met += 1;
      if (job.status === "delayed") job.status = "queued";
      else if (job.status === "in_progress") job.woken = true;
    }
    if (met === 0) this.#kept.add(key);
    expect(await this.#store.transporter.wake([key])).toBe(met);
  }

  async #renew(picked: number): Promise<void> {
    const claimed = this.#claims[picked % Math.max(1, this.#claims.length)];
    if (claimed === undefined) return;
    const { id, fence } = claimed;
    const job = this.#holder(id, fence);
    const expected = job === undefined ? "lost" : job.cancelRequested ? "cancel" : "renewed";
    expect(await this.#store.transporter.renew([{ id, fence, leaseMs }])).toEqual([expected]);
    if (job !== undefined) job.leaseUntil = this.#clock + leaseMs;
  }

  /** L9: what has run out is found, and only that can be ended as expired. */
  async #rescue(each: Extract<Step, { kind: "rescue" }>): Promise<void> {
    const early = this.#claims[each.pick % Math.max(1, this.#claims.length)];
    const held = early === undefined ? undefined : this.#holder(early.id, early.fence);
    if (early !== undefined && held !== undefined && held.leaseUntil > this.#clock) {
      const outcome = { kind: "cancelled", failure } as const;
      const refused = { state: "refused", why: "not-expired" };
      expect(await this.#store.settle(early, outcome, { expiredOnly: true })).toEqual(refused);
    }
    const found = (await this.#store.transporter.expired(1_000)).filter(({ queue }) => queue === this.#queue);
    const ranOut = [...this.#jobs].filter(([, job]) => job.status === "in_progress" && job.leaseUntil <= this.#clock);
    expect(found.map(({ id }) => id).toSorted()).toEqual(ranOut.map(([id]) => id).toSorted());
    for (const claim of found) {
      const job = this.#holder(claim.id, claim.fence);
      expect(job, "another claim than the last was found").toBeDefined();
      if (job === undefined) continue;
      job.attemptsUsed += 1;
      job.priority = each.priority;
      const outcome = retry({ cause: "lost", priority: job.priority, attemptsUsed: job.attemptsUsed });
      expect(await this.#store.settle(claim, outcome, { expiredOnly: true })).toEqual({ state: "applied" });
      this.#putBack(job, 0, false);
    }
  }

  /** L10: a fresh budget and the base priority, for what failed or was cancelled. */
  async #again(picked: number): Promise<void> {
    const [id, job] = [...this.#jobs][picked % Math.max(1, this.#jobs.size)] ?? [];
    if (id === undefined || job === undefined) return;
    const [result] = await this.#store.transporter.amend([id], { kind: "retry" });
    if (job.status !== "failed" && job.status !== "cancelled") {
      expect(result).toEqual({ state: "refused", status: job.status });
      return;
    }
    expect(result).toEqual({ state: "applied" });
    Object.assign(job, {
      status: "queued",
      attemptsUsed: 0,
      priority: job.basePriority,
      cancelRequested: false,
      held: false,
    });
    job.changed = true;
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
    if (each.kind === "priority") job.basePriority = job.priority = each.priority;
    else if (job.status === "in_progress") job.cancelRequested = true;
    else job.status = "cancelled";
    expect(result).toEqual({ state: each.kind === "cancel" && job.status === "in_progress" ? "requested" : "applied" });
  }

  /** L6: a mark beside the status, which goes on as it would; final jobs refuse. */
  async #hold(kind: "hold" | "unhold", picked: number): Promise<void> {
    const [id, job] = [...this.#jobs][picked % Math.max(1, this.#jobs.size)] ?? [];
    if (id === undefined || job === undefined) return;
    const [result] = await this.#store.transporter.amend([id], { kind });
    if (["processed", "failed", "cancelled"].includes(job.status)) {
      expect(result).toEqual({ state: "refused", status: job.status });
      return;
    }
    expect(result).toEqual({ state: "applied" });
    job.held = kind === "hold";
    job.changed = true;
  }

  async #pass(ms: number): Promise<void> {
    this.#clock += ms;
    this.#store.setClock(this.#clock);
    await this.#store.transporter.promote(1_000);
    for (const job of this.#jobs.values())
      if (job.status === "delayed" && job.readyAt <= this.#clock) job.status = "queued";
  }
}

function outcomeOf(each: Extract<Step, { kind: "settle" }>, attemptsUsed: number, key: string | undefined): Outcome {
  const named = key === undefined ? {} : { wakeKey: key };
  switch (each.how) {
    case "processed":
      return { kind: "processed" };
    case "retry":
      return retry({ priority: each.priority, delayMs: each.delayMs, attemptsUsed });
    case "release":
      return retry({ cause: "released", priority: each.priority, delayMs: each.delayMs, attemptsUsed, ...named });
    case "defer":
      return { kind: "defer", delayMs: each.delayMs, ...named };
    case "failed":
      return { kind: "failed", cause: "error", attemptsUsed, crashes: 0, errors: attemptsUsed, failure };
    default:
      return { kind: "cancelled", failure: { code: "cancelled", message: "asked to" } };
  }
}
