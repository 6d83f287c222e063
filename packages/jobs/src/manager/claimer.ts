import type { Lane } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { Claimed, ClaimRequest, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";
import type { Registry } from "./registry.ts";
import type { Runner } from "./runner.ts";

export interface ClaimerOptions {
  transporter: Pick<Transporter, "claim" | "onReady">;
  registry: Registry;
  runner: Pick<Runner, "freeSlots" | "begin">;
  manager: string;
  leaseMs: number;
  pollMs: number;
  clock: Clock;
  random: () => number;
  log: Log;
}

/**
 * Fills free slots with ready jobs. Woken by the store's hints, by slots that free up, by the promoter and the settler;
 * a slow poll is the net under all of them, because hints may be lost.
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #pulse: Pulse;
  /** The last claim for the lane came back short, and nothing has hinted at new jobs since. */
  readonly #drained: Record<Lane, boolean> = { short: false, long: false };
  #hints = 0;
  #turn = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClaimerOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "claimer", beat: () => this.#claim() });
  }

  start(): void {
    if (this.#options.registry.served.length === 0) return;
    this.#unsubscribe ??= this.#options.transporter.onReady((queues) => {
      if (queues.some((queue) => this.#options.registry.queues.has(queue))) this.hint();
    });
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#pulse.stop();
  }

  /** There may be ready jobs. */
  hint(): void {
    this.#hints += 1;
    this.#drained.short = false;
    this.#drained.long = false;
    this.#pulse.wake();
  }

  freeSlot(lane: Lane): void {
    if (!this.#drained[lane]) this.#pulse.wake();
  }

  async #claim(): Promise<number> {
    const { transporter, runner, manager, leaseMs, pollMs, clock } = this.#options;
    const requests = this.#requests();
    if (requests.length === 0) return pollMs;
    const hintsBefore = this.#hints;
    const sentAt = clock.now();
    const claimed = await transporter.claim(requests, manager);
    for (const job of claimed) runner.begin(job, sentAt + leaseMs);
    const lanesWithMore = this.#lanesWithMore(requests, claimed);
    // A hint given while the claim was under way may be of a job that it came too early for.
    if (this.#hints === hintsBefore) {
      for (const { lane } of requests) this.#drained[lane] = !lanesWithMore.has(lane);
    }
    return [...lanesWithMore].some((lane) => runner.freeSlots(lane) > 0) ? 0 : pollMs;
  }

  /**
   * The free slots of each lane, dealt out to the lane's queues from another one on in each round, so that a full queue leaves
   * the others their part.
   */
  #requests(): ClaimRequest[] {
    const { registry, runner, leaseMs } = this.#options;
    this.#turn += 1;
    const requests: ClaimRequest[] = [];
    for (const lane of ["short", "long"] as const) {
      const queues = registry.served.filter((line) => line.lane === lane);
      let free = Math.min(runner.freeSlots(lane), limits.batchJobsMax);
      for (let index = 0; index < queues.length && free > 0; index += 1) {
        const queue = queues[(this.#turn + index) % queues.length];
        if (queue === undefined) continue;
        const limit = Math.ceil(free / (queues.length - index));
        free -= limit;
        requests.push({ queue: queue.queue, lane, names: registry.names, limit, leaseMs, started: true });
      }
    }
    return requests;
  }

  #lanesWithMore(requests: readonly ClaimRequest[], claimed: readonly Claimed[]): Set<Lane> {
    const lanes = new Set<Lane>();
    for (const { queue, lane, limit } of requests) {
      const got = claimed.filter((job) => job.queue === queue && job.lane === lane).length;
      if (got >= limit) lanes.add(lane);
    }
    // Not every queue of the lane had a turn when there were fewer free slots than queues.
    for (const { lane, queue } of this.#options.registry.served) {
      const asked = requests.some((request) => request.lane === lane);
      if (asked && !requests.some((request) => request.lane === lane && request.queue === queue)) lanes.add(lane);
    }
    return lanes;
  }
}
