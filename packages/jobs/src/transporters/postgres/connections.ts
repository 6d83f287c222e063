import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig, Pool, type PoolClient, type QueryConfig as PlainConfig } from "pg";
import { JobsError } from "../../core/errors.ts";
import { asStoreError, isConnectionLoss, isTransient } from "./failures.ts";
import type { PostgresSettings } from "./options.ts";
import { Prepared } from "./prepared.ts";
import { type Parameter, startupOption } from "./server.ts";

/** How often a statement that the server undid because of another's is sent again. */
const transientTriesMax = 8;

/** A server that is out of reach does not say goodbye: its connections are left to the system then. */
const closeMsMax = 10_000;

/**
 * A spare connection is made when calls meet, which they do every few seconds where little else happens. A new one costs its first call some 30 ms: the
 * server has to fork, and to parse and plan every function anew. Kept for so long, the spare one is there when the next two meet.
 */
const idleMsMax = 60_000;

type QueryConfig = PlainConfig & { rowMode?: "array"; prepared?: boolean };

const asText = { getTypeParser: () => (text: unknown) => text };

/** What a connection's death tells its listeners is told by the failing statement too; unheard it would end the process. */
const ignore = (): void => undefined;

/** Two bounded pools: one for jobs, one to lend. `store_stopped` before `open` and after `close`. */
export class Connections {
  readonly #settings: PostgresSettings;
  #jobs: Pool | undefined;
  #lent: Pool | undefined;
  readonly #prepared = new Prepared();

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
  }

  get isOpen(): boolean {
    return this.#jobs !== undefined;
  }

  /** A connection of its own, not yet connected. */
  client(extra: ClientConfig = {}): Client {
    const client = new Client({ ...this.#config(), ...extra });
    client.on("error", ignore);
    return client;
  }

  /** `parameters` are set on every connection. */
  open(parameters: readonly Parameter[]): void {
    const config = {
      ...this.#config(),
      ...(parameters.length === 0 ? {} : { options: parameters.map(startupOption).join(" ") }),
    };
    this.#jobs = new Pool({ ...config, max: this.#settings.poolMax, idleTimeoutMillis: idleMsMax });
    this.#lent = new Pool({ ...config, max: this.#settings.sqlPoolMax });
    for (const pool of [this.#jobs, this.#lent]) {
      // A connection that dies in the pool is taken out by the pool itself; the next call gets another.
      pool.on("error", ignore);
      // For all its life: between the pool's hands and ours nobody hears, and a server that dies may speak just then. An error event
      // that nobody hears ends the program; what it says is heard again by the next statement.
      pool.on("connect", (client) => client.on("error", ignore));
    }
  }

  async close(): Promise<void> {
    const pools = [this.#jobs, this.#lent];
    this.#jobs = undefined;
    this.#lent = undefined;
    const ended = Promise.all(pools.map(async (pool) => await pool?.end()));
    const bound = new AbortController();
    await Promise.race([ended, sleep(closeMsMax, undefined, { ref: false, signal: bound.signal }).catch(ignore)]);
    bound.abort();
  }

  /**
   * One autocommitted statement. What the server undid because of another transaction is sent again, at most 8 times, since
   * it has changed nothing. `prepared`: sent often, and one of a few texts.
   *
   * @throws JobsError `store_unavailable`, `store_stopped`, or what the statement's function raises.
   */
  async query<R>(text: string, values: unknown[], { prepared = false } = {}): Promise<R[]> {
    return await this.#tried<R>({ text, values, prepared });
  }

  /** As `query`, prepared; rows as their columns' texts, in order: what is read a hundred thousand times a second is taken apart by its reader. */
  async lines(text: string, values: unknown[]): Promise<(string | null)[][]> {
    return await this.#tried<(string | null)[]>({ text, values, rowMode: "array", types: asText, prepared: true });
  }

  async #tried<R>(config: QueryConfig): Promise<R[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once<R>(config);
      } catch (error) {
        if (!isTransient(error) || tries >= transientTriesMax) throw asStoreError(error);
        await sleep(Math.random() * 5 * 2 ** tries);
      }
    }
  }

  async #once<R>({ prepared, ...config }: QueryConfig): Promise<R[]> {
    const client = await connectionOf(this.#jobs);
    let lost: boolean | undefined;
    try {
      const result = await (prepared === true ? this.#prepared.query(client, config) : client.query(config));
      // Each statement's shape stands beside it (`rows.ts`).
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return result.rows as R[];
    } catch (error) {
      lost = isConnectionLoss(error);
      throw error;
    } finally {
      client.release(lost);
    }
  }

  /** A connection to lend; `giveBack(true)` ends it instead of keeping it. */
  async lend(): Promise<{ client: PoolClient; giveBack(broken: boolean): void }> {
    const client = await connectionOf(this.#lent).catch((error: unknown) => {
      throw asStoreError(error);
    });
    return { client, giveBack: (broken) => client.release(broken) };
  }

  #config(): ClientConfig {
    const { client, connectTimeoutMs, queryTimeoutMs } = this.#settings;
    return {
      fallback_application_name: "provost-jobs",
      ...client,
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
    };
  }
}

async function connectionOf(pool: Pool | undefined): Promise<PoolClient> {
  if (pool === undefined)
    throw new JobsError("store_stopped", "the PostgreSQL Transporter is not started: call start() first");
  return await pool.connect();
}
