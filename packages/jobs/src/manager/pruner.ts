import type { Kept } from "../transporters/keeping.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { Leader } from "./leader.ts";
import { Pulse } from "./pulse.ts";

export interface PrunerOptions {
  transporter: Pick<Transporter, "keeping">;
  leader: Pick<Leader, "leads">;
  kept: Kept;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Small enough that a settlement behind a batch on the embedded store waits some 10 ms, no more. */
export const pruneBatchJobs = 200;

const everyMs = 5_000;

/**
 * Removes what was kept long enough (L17), in batches with as long a rest behind each as it took: never more than half of the
 * store's time. The leader prunes; of several that believe they lead the store lets one.
 */
export class Pruner {
  readonly #options: PrunerOptions;
  readonly #pulse: Pulse;

  constructor(options: PrunerOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "pruner", beat: () => this.#prune() });
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    await this.#pulse.stop();
  }

  /** This manager leads now. */
  wake(): void {
    this.#pulse.wake();
  }

  async #prune(): Promise<number> {
    const { transporter, leader, kept, clock, random, log } = this.#options;
    if (!leader.leads) return everyMs;
    const startedAt = clock.now();
    const { jobs, flows, more } = await transporter.keeping.prune(kept, pruneBatchJobs);
    if (jobs > 0) log({ event: "pruned", jobs, flows });
    if (more) return Math.max(1, clock.now() - startedAt);
    return Math.ceil(everyMs * (1 - random() / 4));
  }
}
