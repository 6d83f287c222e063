import type { JobManager, Tick } from "@provost/jobs";
import { limits } from "@provost/jobs";

/** The log of ticks of some schedules, read again and again: a store keeps the latest thousand of each shard. */
export class TickLog {
  readonly #manager: JobManager;
  readonly #shards: readonly (readonly [schedule: string, shard: number])[];
  readonly #ticks = new Map<string, Map<number, Tick>>();
  /** Lines that stood twice in what was read at once. */
  doubled = 0;

  constructor(manager: JobManager, shards: readonly (readonly [schedule: string, shard: number])[]) {
    this.#manager = manager;
    this.#shards = shards;
  }

  async read(): Promise<void> {
    for (const [schedule, shard] of this.#shards) {
      const ticks = await this.#manager.schedules.ticks(schedule, { shard, limit: limits.batchJobsMax });
      this.doubled += ticks.length - new Set(ticks.map(({ dueAt }) => dueAt)).size;
      const known = this.#ticks.get(`${schedule} ${shard}`) ?? new Map<number, Tick>();
      for (const tick of ticks) known.set(tick.dueAt, tick);
      this.#ticks.set(`${schedule} ${shard}`, known);
    }
  }

  /** Of one shard, the earliest due first. */
  of(schedule: string, shard = 0): Tick[] {
    return [...(this.#ticks.get(`${schedule} ${shard}`)?.values() ?? [])].toSorted((a, b) => a.dueAt - b.dueAt);
  }
}

/** Due times that should stand between the first line and the last and do not. */
export function gapsIn(ticks: readonly Tick[], everyMs: number): number[] {
  const [first, last] = [ticks[0]?.dueAt ?? 0, ticks.at(-1)?.dueAt ?? 0];
  const there = new Set(ticks.map(({ dueAt }) => dueAt));
  const wanted = Array.from({ length: (last - first) / everyMs + 1 }, (_, n) => first + n * everyMs);
  return wanted.filter((dueAt) => !there.has(dueAt));
}

/** Runs that did not begin with what the last processed one before them handed on. */
export function brokenCursors(ticks: readonly Tick[]): Tick[] {
  let cursor = ticks[0]?.cursorBefore;
  return ticks.filter(({ jobId, outcome, cursorBefore, cursorAfter }) => {
    if (jobId === undefined) return false;
    const isBroken =
      cursorBefore !== cursor || (outcome !== "processed" && outcome !== "fired" && cursorAfter !== cursor);
    if (outcome === "processed") cursor = cursorAfter;
    return isBroken;
  });
}
