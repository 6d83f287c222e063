import type { Lane, ProcessKind } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { Claimed, ClaimRequest, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { Pulse } from "./pulse.ts";
import type { Registry, ServedLine } from "./registry.ts";
import type { Processes } from "../processes/processes.ts";
import type { Runner } from "./runner.ts";

export interface ClaimerOptions {
  transporter: Pick<Transporter, "claim" | "onReady">;
  registry: Registry;
  runner: Pick<Runner, "freeSlots" | "begin">;
  processes: Pick<Processes, "free">;
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
  /** Lines whose last claim came back short, with nothing hinting at new jobs since: they are not asked again for a while. */
  readonly #dry = new Set<ServedLine>();
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
    for (const line of this.#dry) if (queues === undefined || queues.includes(line.queue)) this.#dry.delete(line);
    this.#pulse.wake();
  }

  freeSlot(lane: Lane): void {
    if (this.#mayHaveMore(lane)) this.#pulse.wake();
  }

  async #claim(): Promise<number> {
    const { transporter, runner, manager, leaseMs, pollMs, clock } = this.#options;
    const asked = this.#requests();
    if (asked.length === 0) return pollMs;
    const hintsBefore = this.#hints;
    const sentAt = clock.now();
    const claimed = await transporter.claim(
      asked.map(({ request }) => request),
      manager,
    );
    for (const job of claimed) runner.begin(job, sentAt + leaseMs);
    // A hint given while the claim was under way may be of a job that it came too early for.
    if (this.#hints === hintsBefore) this.#noteDry(asked, claimed);
    const lanes = new Set(asked.map(({ line }) => line.lane));
    return [...lanes].some((lane) => this.#mayHaveMore(lane) && runner.freeSlots(lane) > 0) ? 0 : pollMs;
  }

  /**
   * The free slots of each lane, dealt out to the lane's queues from another one on in each round, so that a full queue leaves
   * the others their part. Each round takes jobs or finds a queue dry, so that rounds come to an end.
   */
  #requests(): Asked[] {
    const { registry, runner, processes, leaseMs, pollMs, clock } = this.#options;
    if (clock.now() - this.#forgottenAt >= pollMs / 2) {
      // Hints may be lost: what was dry is asked again with every poll, also when other queues never rest.
      this.#forgottenAt = clock.now();
      this.#dry.clear();
    }
    this.#turn += 1;
    const asked: Asked[] = [];
    for (const lane of ["short", "long"] as const) {
      const lines = registry.served.filter((line) => line.lane === lane && this.#mayServe(line));
      const places = {
        inline: Infinity,
        thread: processes.free("thread", lane),
        process: processes.free("process", lane),
      };
      let free = Math.min(runner.freeSlots(lane), limits.batchJobsMax);
      for (let index = 0; index < lines.length && free > 0; index += 1) {
        const line = lines[(this.#turn + index) % lines.length];
        if (line === undefined) continue;
        const limit = Math.min(Math.ceil(free / (lines.length - index)), places[line.process]);
        if (limit === 0) continue;
        free -= limit;
        places[line.process] -= limit;
        const { queue, names } = line;
        asked.push({ line, request: { queue, lane, names, limit, leaseMs, started: true } });
      }
    }
    return asked;
  }

  #noteDry(asked: readonly Asked[], claimed: readonly Claimed[]): void {
    for (const { line, request } of asked) {
      const { queue, lane, process } = line;
      const got = claimed.filter(
        (job) => job.queue === queue && job.lane === lane && this.#processOf(job) === process,
      ).length;
      if (got < request.limit) this.#dry.add(line);
    }
  }

  #mayHaveMore(lane: Lane): boolean {
    return this.#options.registry.served.some((line) => line.lane === lane && this.#mayServe(line));
  }

  #mayServe(line: ServedLine): boolean {
    return !this.#dry.has(line) && this.#options.processes.free(line.process, line.lane) > 0;
  }

  #processOf({ name }: Claimed): ProcessKind | undefined {
    return this.#options.registry.definitions.get(name)?.process;
  }
}

interface Asked {
  line: ServedLine;
  request: ClaimRequest;
}
