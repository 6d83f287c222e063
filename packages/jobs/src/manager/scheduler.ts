import { JobsError } from "../core/errors.ts";
import { failureOf } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { JobDefinition } from "../core/request.ts";
import type { ScheduleDefinition } from "../core/schedule.ts";
import { planTick } from "../core/tick-plan.ts";
import { nextDue, timingFrom, timingText } from "../core/timing.ts";
import type { DueSchedule, Fired, Firing, ScheduleSetting } from "../transporters/schedules.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { Leader } from "./leader.ts";
import { Pulse } from "./pulse.ts";

export interface SchedulerOptions {
  transporter: Pick<Transporter, "now" | "schedules">;
  /** Those in this manager's code. */
  schedules: readonly (JobDefinition & ScheduleDefinition)[];
  leader: Pick<Leader, "leads">;
  pollMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
  onFired: () => void;
}

/** Schedules fired in one act: with all their shards some hundred jobs. */
const firingsMax = 20;

/**
 * Fires due ticks while its manager leads (L13), also those of schedules that only other managers have in their code: the
 * store knows all that a firing takes. One timer for all of them, set to the next due time.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #pulse: Pulse;
  /** By the manager's clock: when the store was last told that these schedules are wanted. */
  #wantedAt = -Infinity;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "scheduler", beat: () => this.#beat() });
  }

  /** Makes the store's schedules those of this manager's code. Throws what the store throws. */
  async define(): Promise<void> {
    const { transporter, schedules, clock } = this.#options;
    if (schedules.length === 0) return;
    const wantedAt = clock.now();
    const now = await transporter.now();
    await transporter.schedules.define(
      schedules.map((schedule) => settingOf(schedule, now)),
      limits.scheduleWantedMs,
    );
    this.#wantedAt = wantedAt;
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    await this.#pulse.stop();
  }

  /** The manager leads now, or a schedule was changed here. */
  wake(): void {
    this.#pulse.wake();
  }

  async #beat(): Promise<number> {
    const { leader, pollMs } = this.#options;
    await this.#want();
    if (!leader.leads) return pollMs;
    const nextInMs = await this.#fire();
    // Others define, resume and move schedules: the poll finds what no timer was set for.
    return Math.min(pollMs, nextInMs ?? pollMs);
  }

  async #want(): Promise<void> {
    const { transporter, schedules, clock } = this.#options;
    if (schedules.length === 0 || clock.now() - this.#wantedAt < limits.scheduleWantedMs / 3) return;
    const wantedAt = clock.now();
    await transporter.schedules.want(
      schedules.map(({ name }) => name),
      limits.scheduleWantedMs,
    );
    this.#wantedAt = wantedAt;
  }

  /** @returns ms to the next due time; 0 to look again at once. */
  async #fire(): Promise<number | undefined> {
    const { transporter, onFired } = this.#options;
    const { now, schedules, nextInMs } = await transporter.schedules.due(firingsMax);
    const firings = schedules.flatMap((due) => this.#firing(due, now));
    if (firings.length === 0) return nextInMs;
    // Those with ticks to catch up on are an act each: what they log must not hold the store's writer for long (L14).
    const batches = [firings.filter(({ missed }) => missed.length === 0)];
    for (const firing of firings) if (firing.missed.length > 0) batches.push([firing]);
    for (const batch of batches) {
      const fired = await transporter.schedules.fire(batch);
      for (const [index, firing] of batch.entries()) this.#tell(firing, fired[index], now);
    }
    onFired();
    return 0;
  }

  #firing({ name, timing: text, missed, dueAt, version }: DueSchedule, now: number): Firing[] {
    const timing = timingFrom(text);
    if (timing === undefined) {
      const newer = new JobsError(
        "store_unsupported",
        `schedule ${JSON.stringify(name)} was written by a newer release: upgrade this manager`,
      );
      const { log, pollMs } = this.#options;
      log({ event: "service.error", service: "scheduler", failure: failureOf(newer), retryInMs: pollMs });
      return [];
    }
    const { moreMissed: _more, ...plan } = planTick(timing, missed, dueAt, now);
    return [{ ...plan, schedule: name, version }];
  }

  #tell({ schedule, dueAt, missed }: Firing, fired: Fired | undefined, now: number): void {
    const { log } = this.#options;
    if (fired?.state !== "fired") return;
    if (missed.length > 0) log({ event: "tick.missed", schedule, ticks: missed.length });
    if (dueAt === undefined) return;
    for (const shard of fired.shards) log({ event: "tick.fired", schedule, dueAt, lateMs: now - dueAt, shard });
  }
}

function settingOf({ schedule, ...job }: JobDefinition & ScheduleDefinition, now: number): ScheduleSetting {
  const { timing, shards, runsMax, missed } = schedule;
  const { name, queue, lane, priority, timeoutMs } = job;
  const next = nextDue(timing, now);
  return {
    name,
    shards,
    runsMax,
    missed,
    queue,
    lane,
    priority,
    timeoutMs,
    timing: timingText(timing),
    ...(next === undefined ? {} : { nextDueAt: next }),
  };
}
