import type { QueueSettings } from "../../core/queue.ts";
import { JobsError } from "../../core/errors.ts";
import type { ConfiguredQueue, QueueStore } from "../queues.ts";

/** As the table `queue` has it. `bigint` arrives as text. */
export interface QueueRow {
  queue: string;
  paused: boolean;
  weight: number;
  concurrency: number | null;
  key_concurrency: number | null;
  rate_per_second: number | null;
  rate_burst: number | null;
  aging_ms: string | null;
  depth_max: number | null;
}

/** With what its rate lets start now. */
export interface ListedQueueRow extends QueueRow {
  tokens_now: number | null;
}

type Configure = (queue: string, change: Partial<QueueSettings>) => Promise<QueueRow[]>;

/** Settings of queues (L2, L14, L16): what they do is in `sql/queues.ts` and `sql/claim.ts`. */
export class PostgresQueues implements QueueStore {
  readonly #configure: Configure;
  readonly #list: () => Promise<ListedQueueRow[]>;

  constructor(configure: Configure, list: () => Promise<ListedQueueRow[]>) {
    this.#configure = configure;
    this.#list = list;
  }

  async configure(queue: string, change: Partial<QueueSettings>): Promise<QueueSettings> {
    const [row] = await this.#configure(queue, change);
    if (row !== undefined) return toSettings(row);
    throw new JobsError("store_unavailable", `queue ${JSON.stringify(queue)}: the store gave no answer: read it back`);
  }

  async list(): Promise<ConfiguredQueue[]> {
    return (await this.#list()).map((row) => ({
      queue: row.queue,
      ...toSettings(row),
      ...(row.tokens_now === null ? {} : { tokens: row.tokens_now }),
    }));
  }
}

function toSettings(row: QueueRow): QueueSettings {
  return {
    paused: row.paused,
    weight: row.weight,
    concurrency: row.concurrency,
    keyConcurrency: row.key_concurrency,
    ratePerSecond: row.rate_per_second,
    rateBurst: row.rate_burst,
    agingMs: row.aging_ms === null ? null : Number(row.aging_ms),
    depthMax: row.depth_max,
  };
}
