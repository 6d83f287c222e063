import { checkedInteger, checkedKey } from "../core/bounds.ts";
import { JobsError } from "../core/errors.ts";
import { limits } from "../core/limits.ts";
import { nextDue, timingFrom } from "../core/timing.ts";
import type { FiredShard, Schedule, ScheduleChange, Tick } from "../transporters/schedules.ts";
import type { Transporter } from "../transporters/transporter.ts";

export interface SchedulesOptions {
  transporter: Pick<Transporter, "now" | "schedules">;
  /** A run was enqueued here. */
  onRun: () => void;
  /** A schedule may be due earlier than was known. */
  onChange: () => void;
}

/**
 * The schedules of the store, by hand (L13): any manager sees and changes all of them, whoever has them in its code. All
 * methods that name one throw `unknown_schedule` when there is none.
 */
export class Schedules {
  readonly #options: SchedulesOptions;

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** By name, page by page: `after` is the last name of the page before; `limit` is 100 by default. */
  async list(query: { after?: string; limit?: number } = {}): Promise<Schedule[]> {
    const { after, limit = 100 } = query;
    return await this.#options.transporter.schedules.list({
      limit: checkedInteger(limit, "limit", 1, limits.batchJobsMax, "invalid_options"),
      ...(after === undefined ? {} : { after: checkedKey(after, "after") }),
    });
  }

  async get(name: string): Promise<Schedule> {
    const [schedule] = await this.#options.transporter.schedules.list({ name: checkedKey(name, "schedule"), limit: 1 });
    return schedule ?? unknown(name);
  }

  /**
   * The log, latest due first: due, started, lag, outcome, cursor before and after. `before` is the due time (ms) of the last
   * line of the page before; `limit` is 100 by default.
   */
  async ticks(name: string, query: { shard?: number; before?: number; limit?: number } = {}): Promise<Tick[]> {
    const { shard, before, limit = 100 } = query;
    const { name: schedule } = await this.get(name);
    return await this.#options.transporter.schedules.ticks({
      schedule,
      limit: checkedInteger(limit, "limit", 1, limits.batchJobsMax, "invalid_options"),
      ...(shard === undefined ? {} : { shard }),
      ...(before === undefined ? {} : { before }),
    });
  }

  /**
   * A run now, of the given shards or all of them, also of a paused schedule; its regular ticks go on as they were. A shard whose
   * last run has not ended is `skipped`, as at a tick.
   */
  async run(name: string, { shards }: { shards?: readonly number[] } = {}): Promise<FiredShard[]> {
    const { transporter, onRun } = this.#options;
    if (shards !== undefined) checkedShards(shards, await this.get(name));
    const fired = await transporter.schedules.fireNow(
      checkedKey(name, "schedule"),
      ...(shards === undefined ? [] : [[...shards]]),
    );
    onRun();
    return fired ?? unknown(name);
  }

  /** No ticks until `resume`; a restart does not end it. Runs under way go on. */
  async pause(name: string): Promise<void> {
    await this.#change(name, { kind: "pause" });
  }

  /** Goes on with the next due time: what came during the pause was not missed. */
  async resume(name: string): Promise<void> {
    const [now, { timing: text }] = await Promise.all([this.#options.transporter.now(), this.get(name)]);
    const timing = timingFrom(text);
    const next = timing === undefined ? undefined : nextDue(timing, now);
    await this.#change(name, { kind: "resume", ...(next === undefined ? {} : { nextDueAt: next }) });
    this.#options.onChange();
  }

  /** Forgets it, its cursors and its log. What is in some manager's code comes back, anew, when that starts. */
  async remove(name: string): Promise<void> {
    await this.#change(name, { kind: "remove" });
  }

  async #change(name: string, change: ScheduleChange): Promise<void> {
    const found = await this.#options.transporter.schedules.change(checkedKey(name, "schedule"), change);
    if (!found) unknown(name);
  }
}

function checkedShards(asked: readonly number[], { name, shards }: Schedule): void {
  for (const shard of asked)
    checkedInteger(shard, `shard of schedule ${JSON.stringify(name)}`, 0, shards - 1, "invalid_options");
}

function unknown(name: string): never {
  throw new JobsError(
    "unknown_schedule",
    `no schedule is named ${JSON.stringify(name)}: see schedules.list(), or start a manager that has it in its jobs`,
  );
}
