import type { JobId } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { ProgressReport } from "../transporters/sight.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface ProgressKeeperOptions {
  transporter: Pick<Transporter, "sight">;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** A handler may report at every row it reads: the store gets the latest of each job this often at most. */
const everyMs = 500;

/** Hands the progress of running attempts to the store, the latest of each, together. */
export class ProgressKeeper {
  readonly #options: ProgressKeeperOptions;
  readonly #pulse: Pulse;
  readonly #latest = new Map<JobId, ProgressReport>();

  constructor(options: ProgressKeeperOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "progress-keeper", beat: () => this.#hand() });
  }

  start(): void {
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    await this.#pulse.stop();
    this.#latest.clear();
  }

  report(report: ProgressReport): void {
    const first = this.#latest.size === 0;
    this.#latest.set(report.id, report);
    if (first) this.#pulse.wakeIn(everyMs);
  }

  async #hand(): Promise<number> {
    const { transporter } = this.#options;
    const reports = [...this.#latest.values()].slice(0, limits.batchJobsMax);
    if (reports.length === 0) return everyMs * 120;
    await transporter.sight.reportProgress(reports);
    for (const report of reports) if (this.#latest.get(report.id) === report) this.#latest.delete(report.id);
    return this.#latest.size > 0 ? everyMs : everyMs * 120;
  }
}
