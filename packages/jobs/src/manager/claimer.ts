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
  /** Queues whose last claim came back short, with nothing hinting at new jobs since: they are not asked again for a while. */
  readonly #dry: Record<Lane, Set<string>> = { short: new Set(), long: new Set() };
  #forgottenAt = -Infinity;
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
      const served = queues.filter((queue) => this.#options.registry.queues.has(queue));
      if (served.length > 0) this.hint(served);
    });
    this.#pulse.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    await this.#pulse.stop();
  }

  /** There may be ready jobs in these queues; in any, when none are named. */
  hint(queues?: readonly string[]): void {
    this.#hints += 1;
    for (const dry of [this.#dry.short, this.#dry.long]) {
      if (queues === undefined) dry.clear();
      else for (const queue of queues) dry.delete(queue);
    }
    this.#pulse.wake();
  }

  freeSlot(lane: Lane): void {
    if (this.#mayHaveMore(lane)) this.#pulse.wake();
  }

  async #claim(): Promise<number> {
    const { transporter, runner, manager, leaseMs, pollMs, clock } = this.#options;
    const requests = this.#requests();
    if (requests.length === 0) return pollMs;
    const hintsBefore = this.#hints;
    const sentAt = clock.now();
    const claimed = await transporter.claim(requests, manager);
    for (const job of claimed) runner.begin(job, sentAt + leaseMs);
    // A hint given while the claim was under way may be of a job that it came too early for.
    if (this.#hints === hintsBefore) this.#noteDry(requests, claimed);
    const asked = new Set(requests.map(({ lane }) => lane));
    return [...asked].some((lane) => this.#mayHaveMore(lane) && runner.freeSlots(lane) > 0) ? 0 : pollMs;
  }

  /**
   * The free slots of each lane, dealt out to the lane's queues from another one on in each round, so that a full queue leaves
   * the others their part. Each round takes jobs or finds a queue dry, so that rounds come to an end.
   */
  #requests(): ClaimRequest[] {
    const { registry, runner, leaseMs, pollMs, clock } = this.#options;
    if (clock.now() - this.#forgottenAt >= pollMs / 2) {
      // Hints may be lost: what was dry is asked again with every poll, also when other queues never rest.
      this.#forgottenAt = clock.now();
      this.#dry.short.clear();
      this.#dry.long.clear();
    }
    this.#turn += 1;
    const requests: ClaimRequest[] = [];
    for (const lane of ["short", "long"] as const) {
      const queues = registry.served.filter((line) => line.lane === lane && !this.#dry[lane].has(line.queue));
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

  #noteDry(requests: readonly ClaimRequest[], claimed: readonly Claimed[]): void {
    for (const { queue, lane, limit } of requests) {
      const got = claimed.filter((job) => job.queue === queue && job.lane === lane).length;
      if (got < limit) this.#dry[lane].add(queue);
    }
  }

  #mayHaveMore(lane: Lane): boolean {
    return this.#options.registry.served.some((line) => line.lane === lane && !this.#dry[lane].has(line.queue));
  }
}
