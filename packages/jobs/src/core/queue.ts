import { checkedInteger } from "./bounds.ts";
import { durationMs, type Duration } from "./duration.ts";
import { JobsError } from "./errors.ts";
import { limits } from "./limits.ts";
import { shown } from "./shown.ts";

/** What is set for a queue (L2, L14, L16). Kept in the store: it holds for every manager on every host. */
export interface QueueSettings {
  /** True: nothing of the queue is claimed but what is directed (L2, L5). What runs is left to run. */
  paused: boolean;
  /** Its part of the slots where several queues have jobs ready: twice the weight, twice the part (L16). */
  weight: number;
  /** Jobs of the queue that run at once, on all hosts together. */
  concurrency: number | null;
  /** Jobs with one `limitKey` that run at once, on all hosts together. Jobs without a key are not held by it. */
  keyConcurrency: number | null;
  /** Starts per second, on average, by the store's clock. */
  ratePerSecond: number | null;
  /** Starts at once after a rest; null: one second's worth, at least 1. */
  rateBurst: number | null;
  /** A waiting job gains one point of priority each time this has passed; null: order is strict (L16). */
  agingMs: number | null;
  /** Jobs of the queue that may wait, be delayed or gated: an enqueue that would bring more is refused with `queue_full`. */
  depthMax: number | null;
}

export const queueDefaults: QueueSettings = {
  paused: false,
  weight: 1,
  concurrency: null,
  keyConcurrency: null,
  ratePerSecond: null,
  rateBurst: null,
  agingMs: null,
  depthMax: null,
};

/** What `manager.configure` takes: what is left out stays as it is, `null` takes a limit away. */
export interface QueueOptions {
  paused?: boolean;
  weight?: number;
  concurrency?: number | null;
  keyConcurrency?: number | null;
  /** `{ perSecond: 5 }`, or with a burst: `{ perSecond: 0.5, burst: 10 }`. */
  rate?: { perSecond: number; burst?: number } | null;
  aging?: Duration | null;
  depthMax?: number | null;
}

/** @throws JobsError `invalid_options` with the value that is out of bounds. */
export function queueChange(options: QueueOptions): Partial<QueueSettings> {
  const change: Partial<QueueSettings> = {};
  const { paused, weight, concurrency, keyConcurrency, rate, aging, depthMax } = options;
  if (paused !== undefined) change.paused = checkedBoolean(paused);
  if (weight !== undefined) change.weight = bounded(weight, "weight", limits.queueWeightMax);
  if (concurrency !== undefined) change.concurrency = limit(concurrency, "concurrency");
  if (keyConcurrency !== undefined) change.keyConcurrency = limit(keyConcurrency, "keyConcurrency");
  if (rate !== undefined) {
    change.ratePerSecond = rate === null ? null : checkedRate(rate.perSecond);
    change.rateBurst = rate?.burst === undefined ? null : bounded(rate.burst, "rate.burst", limits.queueRateMax);
  }
  if (aging !== undefined) change.agingMs = aging === null ? null : checkedAging(aging);
  if (depthMax !== undefined)
    change.depthMax = depthMax === null ? null : bounded(depthMax, "depthMax", limits.queueDepthMax);
  return change;
}

/** Told to whoever enqueues into a full queue (L14). */
export function queueFull(queue: string, depth: number, more: number, depthMax: number): string {
  return (
    `queue ${JSON.stringify(queue)} holds ${depth} jobs, ${more} more would pass its depthMax of ${depthMax}: ` +
    "enqueue again when it has drained, or raise it with queues.configure"
  );
}

/**
 * Tokens of a rate's bucket: what was left, and what has come since, at most the burst. A clock that went back brings none.
 *
 * @param elapsedMs since `tokens` was counted.
 */
export function tokensAfter(tokens: number, elapsedMs: number, perSecond: number, burst: number | null): number {
  return Math.min(burstOf(perSecond, burst), tokens + (Math.max(0, elapsedMs) * perSecond) / 1_000);
}

export function burstOf(perSecond: number, burst: number | null): number {
  return burst ?? Math.max(1, Math.ceil(perSecond));
}

/**
 * The priority that counts in a queue with aging (L16): a point more for each `agingMs` of waiting, without a ceiling, since one
 * would end the gain below those who stand at it. The bound follows from it: a job that becomes ready more than
 * `(q − p + 1) × agingMs` after another of priority p never goes before it, whatever its priority q.
 */
export function agedPriority(priority: number, waitedMs: number, agingMs: number): number {
  return priority + Math.floor(Math.max(0, waitedMs) / agingMs);
}

function checkedBoolean(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new JobsError("invalid_options", `paused is ${shown(value)}: give true or false`);
}

function bounded(value: unknown, what: string, max: number): number {
  return checkedInteger(value, what, 1, max, "invalid_options");
}

function limit(value: number | null, what: string): number | null {
  return value === null ? null : bounded(value, what, limits.queueConcurrencyMax);
}

function checkedRate(value: unknown): number {
  if (typeof value === "number" && value >= limits.queueRateMin && value <= limits.queueRateMax) return value;
  throw new JobsError(
    "invalid_options",
    `rate.perSecond is ${shown(value)}: give ${limits.queueRateMin} to ${limits.queueRateMax}, or null for no limit`,
  );
}

function checkedAging(value: Duration): number {
  const ms = durationMs(value, "aging");
  if (ms > 0) return ms;
  throw new JobsError("invalid_options", "aging is 0: give what one point of priority takes, or null for none");
}
