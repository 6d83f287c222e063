import { dealt } from "../core/fairness.ts";
import { queueDefaults, type QueueSettings } from "../core/queue.ts";
import type { QueueStore } from "../transporters/queues.ts";
import type { Clock } from "./clock.ts";
import type { ServedLine } from "./registry.ts";

export interface LineSharesOptions {
  queues: Pick<QueueStore, "list">;
  /** Settings may be this old: another manager may have changed them. */
  keptMs: number;
  clock: Clock;
}

/** What the store has set for the queues of this manager, and what each line is owed by its weight (L16). */
export class LineShares {
  readonly #options: LineSharesOptions;
  #settings = new Map<string, QueueSettings>();
  #readAt = -Infinity;
  readonly #credits = new Map<ServedLine, number>();

  constructor(options: LineSharesOptions) {
    this.#options = options;
  }

  /** Reads the settings again where they are old. Throws what the store throws. */
  async refresh(): Promise<void> {
    const { queues, keptMs, clock } = this.#options;
    const now = clock.now();
    if (now - this.#readAt < keptMs) return;
    this.#readAt = now;
    const list = await queues.list();
    this.#settings = new Map(list.map(({ queue, ...settings }) => [queue, settings]));
  }

  /** They were changed here: the next `refresh` reads them. */
  changed(): void {
    this.#readAt = -Infinity;
  }

  of(queue: string): QueueSettings {
    return this.#settings.get(queue) ?? queueDefaults;
  }

  /** Slots for each of these lines; a line that is not among them has nothing ready and is owed nothing. */
  deal(lines: readonly ServedLine[], places: readonly number[], free: number): number[] {
    const credits = lines.map((line) => this.#credits.get(line) ?? 0);
    const wanted = lines.map((line, index) => ({ weight: this.of(line.queue).weight, places: places[index] ?? 0 }));
    const slots = dealt(wanted, free, credits);
    lines.forEach((line, index) => this.#credits.set(line, credits[index] ?? 0));
    return slots;
  }

  /** The line had nothing ready: what it is owed is forgotten. */
  ranDry(line: ServedLine): void {
    this.#credits.delete(line);
  }
}
