import { limits } from "../core/limits.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface PromoterOptions {
  transporter: Pick<Transporter, "promote">;
  pollMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
  onPromoted: () => void;
}

/** The shortest wait after a round that found nothing: clocks that differ a little must not make it a busy loop. */
const idleMsMin = 10;

/**
 * Makes due delayed jobs ready (L2). One timer for all of them, set to the next that is due: a waiting job costs this
 * process nothing (L7).
 */
export class Promoter {
  readonly #options: PromoterOptions;
  readonly #pulse: Pulse;

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
    this.#pulse.wakeIn(Math.max(1, delayMs));
  }

  async #promote(): Promise<number> {
    const { transporter, pollMs, onPromoted } = this.#options;
    const { promoted, nextInMs } = await transporter.promote(limits.batchJobsMax);
    if (promoted > 0) onPromoted();
    if (promoted >= limits.batchJobsMax) return 0;
    return Math.min(pollMs, Math.max(idleMsMin, nextInMs ?? pollMs));
  }
}
