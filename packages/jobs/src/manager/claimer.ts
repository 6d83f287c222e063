import type { Lane, ProcessKind } from "../core/job.ts";
import { limits } from "../core/limits.ts";
import type { Claimed, ClaimRequest, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import { LineShares } from "./line-shares.ts";
import { Pulse } from "./pulse.ts";
import type { Registry, ServedLine } from "./registry.ts";
import type { Processes } from "../processes/processes.ts";
import type { Runner } from "./runner.ts";

export interface ClaimerOptions {
  transporter: Pick<Transporter, "claim" | "onReady" | "queues">;
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

/** The shortest time after which a line is asked again for what its rate may have brought. */
const rateMsMin = 20;

/**
 * Fills free slots with ready jobs. Woken by the store's hints, by slots that free up, by the promoter and the settler;
 * a slow poll is the net under all of them, because hints may be lost.
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #pulse: Pulse;
  readonly #shares: LineShares;
  /**
   * Lines whose last claim came back short, with nothing hinting at new jobs since, and until when they are not asked again: the next
   * poll, or the time in which a queue's rate brings one.
   */
  readonly #dry = new Map<ServedLine, number>();
  /** Claims in a row for which a line with a rate had nothing. */
  readonly #misses = new Map<ServedLine, number>();
  #forgottenAt = -Infinity;
  #hints = 0;
  #turn = 0;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ClaimerOptions) {
    this.#options = options;
    this.#shares = new LineShares({
      queues: options.transporter.queues,
      keptMs: 2 * options.pollMs,
      clock: options.clock,
    });
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
    for (const line of this.#dry.keys())
      if (queues === undefined || queues.includes(line.queue)) this.#dry.delete(line);
    this.#pulse.wake();
  }

  /** The settings of a queue were changed here. */
  configured(queue: string): void {
    this.#shares.changed();
    this.hint([queue]);
  }

  freeSlot(lane: Lane): void {
    if (this.#mayHaveMore(lane)) this.#pulse.wake();
  }

  async #claim(): Promise<number> {
    const { transporter, runner, manager, leaseMs, clock } = this.#options;
    await this.#shares.refresh();
    const asked = this.#requests();
    if (asked.length === 0) return this.#restMs();
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
    return [...lanes].some((lane) => this.#mayHaveMore(lane) && runner.freeSlots(lane) > 0) ? 0 : this.#restMs();
  }

  /** Until the next poll, or until a rate may have brought something. */
  #restMs(): number {
    const { pollMs, clock } = this.#options;
    const until = Math.min(clock.now() + pollMs, ...this.#dry.values());
    return Math.max(1, until - clock.now());
  }

  /**
   * The free slots of each lane, dealt out to its lines by weight (L16). Each round takes jobs or finds a line dry, so that rounds
   * come to an end.
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
      const places = {
        inline: Infinity,
        thread: processes.free("thread", lane),
        process: processes.free("process", lane),
      };
      const open = registry.served.filter((line) => line.lane === lane && this.#mayServe(line));
      // Another one first each time: where slots cannot be halved, it has the odd one.
      const first = this.#turn % Math.max(1, open.length);
      const lines = [...open.slice(first), ...open.slice(0, first)];
      const free = Math.min(runner.freeSlots(lane), limits.batchJobsMax);
      const slots = this.#shares.deal(
        lines,
        lines.map((line) => places[line.process]),
        free,
      );
      for (const [index, line] of lines.entries()) {
        // Lines of one kind of process share its places.
        const limit = Math.min(slots[index] ?? 0, places[line.process]);
        if (limit === 0) continue;
        places[line.process] -= limit;
        const { queue, names } = line;
        asked.push({ line, request: { queue, lane, names, limit, leaseMs, started: true } });
      }
    }
    return asked;
  }

  #noteDry(asked: readonly Asked[], claimed: readonly Claimed[]): void {
    // Directed jobs take the places of any line (L5): then a short one says nothing.
    if (claimed.some(({ directed }) => directed)) return;
    for (const { line, request } of asked) {
      const { queue, lane, process } = line;
      const got = claimed.filter(
        (job) => job.queue === queue && job.lane === lane && this.#processOf(job) === process,
      ).length;
      if (got < request.limit) this.#ranDry(line, got);
    }
  }

  #ranDry(line: ServedLine, got: number): void {
    const { clock, pollMs } = this.#options;
    const { ratePerSecond } = this.#shares.of(line.queue);
    this.#shares.ranDry(line);
    const misses = got > 0 ? 0 : (this.#misses.get(line) ?? 0) + 1;
    this.#misses.set(line, misses);
    // A rate brings jobs without a hint. An idle queue is asked less and less often.
    const restMs =
      ratePerSecond === null ? pollMs : Math.max(rateMsMin, 1_000 / ratePerSecond) * 2 ** Math.min(misses, 20);
    this.#dry.set(line, clock.now() + Math.min(pollMs, restMs));
  }

  #mayHaveMore(lane: Lane): boolean {
    return this.#options.registry.served.some((line) => line.lane === lane && this.#mayServe(line));
  }

  #mayServe(line: ServedLine): boolean {
    return (
      (this.#dry.get(line) ?? -Infinity) <= this.#options.clock.now() &&
      this.#options.processes.free(line.process, line.lane) > 0
    );
  }

  #processOf({ name }: Claimed): ProcessKind | undefined {
    return this.#options.registry.definitions.get(name)?.process;
  }
}

interface Asked {
  line: ServedLine;
  request: ClaimRequest;
}
