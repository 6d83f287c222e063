import type { ManagerBeat } from "../transporters/sight.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface HeraldOptions {
  transporter: Pick<Transporter, "sight">;
  beat: ManagerBeat;
  clock: Clock;
  random: () => number;
  log: Log;
}

const everyMs = 10_000;
/** Two beats may be lost. */
const ttlMs = 30_000;

/** Tells the store that this manager is there and what it runs, so that `why` knows of jobs that nobody runs (L15). */
export class Herald {
  readonly #options: HeraldOptions;
  readonly #pulse: Pulse;

  constructor(options: HeraldOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "herald", beat: () => this.#tell() });
  }

  start(): void {
    // One that only enqueues takes no part.
    if (this.#options.beat.lines.length > 0) this.#pulse.start();
  }

  /** Takes its name off; where the store is away, the name runs out by itself. */
  async stop(): Promise<void> {
    const { transporter, beat } = this.#options;
    await this.#pulse.stop();
    if (beat.lines.length > 0) await transporter.sight.leave(beat.id).catch(() => undefined);
  }

  async #tell(): Promise<number> {
    const { transporter, beat, random } = this.#options;
    await transporter.sight.beat(beat, ttlMs);
    return Math.ceil(everyMs * (1 - random() / 4));
  }
}
