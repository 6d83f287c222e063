import type { ManagerAsked, ManagerBeat } from "../transporters/sight.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface HeraldOptions {
  transporter: Pick<Transporter, "sight">;
  /** What it says of itself at this moment. */
  beat: () => ManagerBeat;
  /** What is asked of it, told with each beat. */
  onAsked: (asked: ManagerAsked) => void;
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
    if (this.#options.beat().lines.length > 0) this.#pulse.start();
  }

  wake(): void {
    this.#pulse.wake();
  }

  /** Takes its name off; where the store is away, the name runs out by itself. */
  async stop(): Promise<void> {
    const { transporter } = this.#options;
    const { id, lines } = this.#options.beat();
    await this.#pulse.stop();
    if (lines.length > 0) await transporter.sight.leave(id).catch(() => undefined);
  }

  async #tell(): Promise<number> {
    const { transporter, beat, onAsked, random } = this.#options;
    onAsked(await transporter.sight.beat(beat(), ttlMs));
    return Math.ceil(everyMs * (1 - random() / 4));
  }
}
