import { availableParallelism } from "node:os";
import { checkedInteger } from "../core/bounds.ts";
import { durationMs, type Duration } from "../core/duration.ts";

/** A pool of isolated processes of one kind; each lane has one of its own, so that long jobs hold up no short ones (L8). */
export interface PoolOptions {
  /** Kept warm; 0 by default. */
  min?: number;
  /** At most so many at once, each with one job; the number of CPUs by default. */
  max?: number;
  /** Replaced after so many jobs; 1,000 by default. 1: no job meets what another has left behind. */
  recycleAfterJobs?: number;
  /** Replaced when it holds more after a job; 512 by default. Threads: their heap; children: resident memory. */
  recycleAboveMb?: number;
  /**
   * Limit of the JavaScript heap; 512 by default. A child that needs more dies, alone, as a crash. A thread mostly does, but the engine
   * may end the whole program instead (nodejs/node#65019): jobs that may run out of memory are for children.
   */
  memoryMb?: number;
  /** How long one above `min` is kept without work; 60 s by default. */
  idle?: Duration;
}

export interface PoolSettings {
  min: number;
  max: number;
  recycleAfterJobs: number;
  recycleAboveBytes: number;
  memoryMb: number;
  idleMs: number;
}

const processesMax = 1_000;

/** @throws JobsError `invalid_options` with the value that is out of bounds. */
export function poolSettingsOf(options: PoolOptions = {}, what: string): PoolSettings {
  const integer = (value: number, name: string, min: number, max: number): number =>
    checkedInteger(value, `${what}.${name}`, min, max, "invalid_options");
  const max = integer(options.max ?? availableParallelism(), "max", 1, processesMax);
  return {
    max,
    min: integer(options.min ?? 0, "min", 0, max),
    recycleAfterJobs: integer(options.recycleAfterJobs ?? 1_000, "recycleAfterJobs", 1, 1_000_000_000),
    recycleAboveBytes: integer(options.recycleAboveMb ?? 512, "recycleAboveMb", 1, 1_048_576) * 1_048_576,
    memoryMb: integer(options.memoryMb ?? 512, "memoryMb", 16, 1_048_576),
    idleMs: durationMs(options.idle ?? 60_000, `${what}.idle`),
  };
}
