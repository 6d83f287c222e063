import { checkedKey } from "../core/bounds.ts";
import { queueChange, queueDefaults, type QueueOptions, type QueueSettings } from "../core/queue.ts";
import type { ConfiguredQueue, QueueStore } from "../transporters/queues.ts";
import type { Log } from "./events.ts";

export interface QueuesOptions {
  queues: QueueStore;
  log: Log;
  /** After every change: the settings are to be read again, and ready jobs looked for. */
  onChange: (queue: string) => void;
}

/**
 * Queues by hand: pause, limits, weight, aging (L2, L14, L16). Kept in the store and enforced there, for every manager on every
 * host; set them once, by a person or at deployment.
 */
export class Queues {
  readonly #options: QueuesOptions;

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /**
   * Changes what is named and keeps the rest; `null` takes a limit away.
   *
   * @returns what holds from now on.
   * @throws JobsError `invalid_options` with the value that is out of bounds, `store_unavailable`: also when a first concurrency limit
   *   cannot be turned on because somebody's open transaction holds jobs for longer than 2 s.
   */
  async configure(queue: string, options: QueueOptions): Promise<QueueSettings> {
    const { queues, log, onChange } = this.#options;
    const settings = await queues.configure(checkedKey(queue, "queue"), queueChange(options));
    log({ event: "queue.configured", queue, settings });
    onChange(queue);
    return settings;
  }

  /** Nothing of the queue is started any more but what is directed (L5); what runs is left to run. */
  async pause(queue: string): Promise<void> {
    await this.configure(queue, { paused: true });
  }

  async resume(queue: string): Promise<void> {
    await this.configure(queue, { paused: false });
  }

  async get(queue: string): Promise<QueueSettings> {
    const found = (await this.list()).find((each) => each.queue === queue);
    if (found === undefined) return queueDefaults;
    const { queue: _name, tokens: _tokens, ...settings } = found;
    return settings;
  }

  /** Queues that were ever configured, by name. */
  async list(): Promise<ConfiguredQueue[]> {
    return await this.#options.queues.list();
  }
}
