import type { QueueSettings } from "../../core/queue.ts";
import { JobsError } from "../../core/errors.ts";
import type { ConfiguredQueue, QueueStore } from "../queues.ts";
import type { Call } from "./schedules.ts";

/** As the table `queue` has it. `bigint` arrives as text. */
interface QueueRow {
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
interface ListedQueueRow extends QueueRow {
  tokens_now: number | null;
}

/** Settings of queues (L2, L14, L16): what they do is in `sql/queues.ts` and `sql/claim.ts`. */
export class PostgresQueues implements QueueStore {
  readonly #schema: string;
  readonly #call: Call;

  constructor(schema: string, call: Call) {
    this.#schema = schema;
    this.#call = call;
  }

  async configure(queue: string, change: Partial<QueueSettings>): Promise<QueueSettings> {
    const text = `SELECT * FROM ${this.#schema}.configure($1, $2, $3)`;
    const [row] = await this.#call<QueueRow>(text, [queue, JSON.stringify(change)], { ready: () => [queue] });
    if (row !== undefined) return toSettings(row);
    throw new JobsError("store_unavailable", `queue ${JSON.stringify(queue)}: the store gave no answer: read it back`);
  }

  async list(): Promise<ConfiguredQueue[]> {
    const rows = await this.#call<ListedQueueRow>(
      `SELECT q.*, CASE WHEN q.rate_per_second IS NOT NULL THEN ${this.#schema}.tokens(q, ${this.#schema}.now_ms($1)) END AS tokens_now
        FROM ${this.#schema}.queue q ORDER BY q.queue COLLATE "C"`,
      [],
    );
    return rows.map((row) => ({
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
