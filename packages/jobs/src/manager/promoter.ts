import { limits } from "../core/limits.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { Leader } from "./leader.ts";
import { Pulse } from "./pulse.ts";

export interface PromoterOptions {
  transporter: Pick<Transporter, "promote">;
  leader: Pick<Leader, "leads">;
  pollMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
  onPromoted: () => void;
}

/** The shortest wait after a round that found nothing: clocks that differ a little must not make it a busy loop. */
const idleMsMin = 10;

/** A follower that knows of nothing looks this much less often than the leader. */
const followerPolls = 10;

/**
 * Makes due delayed jobs ready (L2). One timer for all of them, set to the next that is due: a waiting job costs this
 * process nothing (L7).
 *
 * The leader sweeps, so that many managers do not all do it. A follower does two things besides: what was delayed here for less than a
 * poll it watches itself, since the leader may not have seen it; and of what it knows to be due it makes sure one poll later. So
 * that a job is no later when a leader dies than a poll makes it anyway, or, if only the dead one could know of it, than the seat's lease.
 */
export class Promoter {
  readonly #options: PromoterOptions;
  readonly #pulse: Pulse;
  /** By the manager's clock: until then there may be something due that is ours to watch. */
  #watchUntil = -Infinity;

  constructor(options: PromoterOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "promoter", beat: () => this.#promote() });
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    await this.#pulse.stop();
  }

  /** A job was delayed by so much: the timer may have to be set earlier. */
  delayed(delayMs: number): void {
    const { leader, pollMs, clock } = this.#options;
    const ours = leader.leads || delayMs <= pollMs;
    if (ours) this.#watchUntil = Math.max(this.#watchUntil, clock.now() + delayMs);
    this.#pulse.wakeIn(Math.max(1, ours ? delayMs : delayMs + pollMs));
  }

  /** This manager leads now. */
  wake(): void {
    this.#pulse.wake();
  }

  async #promote(): Promise<number> {
    const { transporter, leader, pollMs, clock, onPromoted } = this.#options;
    const { promoted, nextInMs } = await transporter.promote(limits.batchJobsMax);
    if (promoted > 0) onPromoted();
    if (promoted >= limits.batchJobsMax) return 0;
    const next = Math.max(idleMsMin, nextInMs ?? Infinity);
    if (leader.leads || clock.now() + next <= this.#watchUntil + idleMsMin) return Math.min(pollMs, next);
    return Math.min(followerPolls * pollMs, next + pollMs);
  }
}
