import { expect } from "vitest";
import type { DueSchedule, FiredShard, Firing, Schedule, ScheduleSetting, Tick } from "../transporters/schedules.ts";
import type { Claimed, Outcome, Transporter } from "../transporters/transporter.ts";
import { type Fixture, one } from "./fixture.ts";

/** Any text: stores compare timings and never read them. */
export const hourly = "hourly";
export const hourMs = 3_600_000;
export const wantedMs = 60_000;

/** The schedule of one test, and what a manager does with it. */
export class Clockwork {
  readonly #store: Fixture;

  constructor(store: Fixture) {
    this.#store = store;
  }

  get name(): string {
    return this.#store.key("schedule");
  }

  get schedules(): Transporter["schedules"] {
    return this.#store.transporter.schedules;
  }

  async define(differs: Partial<ScheduleSetting> = {}): Promise<number> {
    const nextDueAt = (await this.#store.transporter.now()) + hourMs;
    const setting: ScheduleSetting = {
      name: this.name,
      timing: hourly,
      shards: 1,
      runsMax: 1,
      missed: "skip",
      queue: this.#store.queue,
      lane: "short",
      priority: 100,
      timeoutMs: 60_000,
      nextDueAt,
      ...differs,
    };
    await this.schedules.define([setting], wantedMs);
    return setting.nextDueAt ?? 0;
  }

  /** The store's clock goes on to this many hours after the test's begin; schedules stay wanted. */
  async pass(hours: number): Promise<void> {
    this.#store.setClock(hours * hourMs);
    await this.schedules.want([this.name], wantedMs);
  }

  async clear(): Promise<void> {
    for (const { name } of await this.schedules.list({ limit: 1_000 }))
      await this.schedules.change(name, { kind: "remove" });
  }

  async get(): Promise<Schedule> {
    return one(await this.schedules.list({ name: this.name, limit: 10 }));
  }

  async due(): Promise<DueSchedule[]> {
    const { schedules } = await this.schedules.due(100);
    return schedules.filter(({ name }) => name === this.name);
  }

  /** What a manager asks for at a tick: this due time, the next an hour later. */
  async firing(differs: Partial<Firing> = {}): Promise<Firing> {
    const { dueAt, version } = one(await this.due());
    return { schedule: this.name, version, dueAt, missed: [], nextDueAt: dueAt + hourMs, ...differs };
  }

  async fire(differs: Partial<Firing> = {}): Promise<FiredShard[]> {
    const fired = one(await this.schedules.fire([await this.firing(differs)]));
    return fired.state === "fired" ? fired.shards : [];
  }

  /** The runs that are ready, claimed, by shard. */
  claim(): Promise<Claimed[]> {
    return this.#store.claim({ names: [this.name] });
  }

  async end(run: Claimed, outcome: Outcome): Promise<void> {
    expect(await this.#store.settle(run, outcome)).toEqual({ state: "applied" });
  }

  /** One tick, run to its end. */
  async tick(hours: number, outcome: Outcome): Promise<Claimed> {
    await this.pass(hours);
    await this.fire();
    const run = one(await this.claim());
    await this.end(run, outcome);
    return run;
  }

  ticks(): Promise<Tick[]> {
    return this.schedules.ticks({ schedule: this.name, limit: 100 });
  }

  async outcomes(): Promise<Tick["outcome"][]> {
    return (await this.ticks()).map(({ outcome }) => outcome);
  }
}

/** The rescuer's: the run's manager died. */
export const lostOutcome: Outcome = {
  kind: "failed",
  cause: "lost",
  attemptsUsed: 1,
  crashes: 0,
  errors: 1,
  failure: { code: "lease_lost", message: "its manager died" },
};

export function processed(cursor?: unknown): Outcome {
  return cursor === undefined ? { kind: "processed" } : { kind: "processed", result: JSON.stringify(cursor) };
}
