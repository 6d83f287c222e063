import type { Clock } from "../clock/clock.ts";
import type { Random, RangeMs } from "../clock/random.ts";
import { TimerHeap } from "../clock/timer-heap.ts";
import type { CallKind } from "./call-kind.ts";

/** Share of a call's latency that passes before its effect: a caller that gives up midway cannot know the outcome (C4). */
const SHARE_BEFORE_EFFECT = 0.6;

/** Makes calls take their time. */
export class Latency {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #ranges: Readonly<Record<CallKind, RangeMs>>;
  readonly #timers: TimerHeap<() => void>;

  constructor(clock: Clock, random: Random, ranges: Readonly<Record<CallKind, RangeMs>>) {
    this.#clock = clock;
    this.#random = random;
    this.#ranges = ranges;
    this.#timers = new TimerHeap(clock, (resume) => resume());
  }

  /** Draws how long a call takes, in ms, split at its effect. */
  draw(kind: CallKind): { beforeMs: number; afterMs: number } {
    const totalMs = this.#random.durationMs(this.#ranges[kind]);
    const beforeMs = Math.round(totalMs * SHARE_BEFORE_EFFECT);
    return { beforeMs, afterMs: totalMs - beforeMs };
  }

  /** Resolves after `delayMs`; at once for 0. */
  wait(delayMs: number): Promise<void> {
    if (delayMs <= 0) return Promise.resolve();
    return new Promise((resolve) => this.#timers.schedule(this.#clock.now() + delayMs, resolve));
  }

  /** Calls that wait are never answered: their connections end with the server. */
  close(): void {
    this.#timers.close();
  }
}
