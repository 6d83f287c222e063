import type { Client } from "pg";
import { JobsError } from "../../core/errors.ts";

const backoffMs = { first: 100, max: 5_000 } as const;
/** A half-open connection says nothing for ever: it is asked now and then. */
const probeEveryMs = 15_000;

export interface EarOptions {
  /** A fresh client, not yet connected. */
  connect(): Client;
  channel: string;
  heard(payload: string): void;
  /** After every connection, the first included: hints given while nobody listened are lost. */
  reconnected(client: Client): Promise<void>;
}

/**
 * The connection that listens.
 *
 *   connecting → listening → (lost) → waiting → connecting …      stop() from anywhere → stopped
 *
 * It reconnects for as long as it is not stopped, after 0.1 to 5 s, and rings on every connection: workers that stay deaf
 * after a reconnect are a known failure of other engines (FACTS.md).
 */
export class EarConnection {
  readonly #options: EarOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: EarOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let delayMs: number = backoffMs.first;
    while (!this.#stop.signal.aborted) {
      const client = this.#options.connect();
      try {
        await this.#listen(client, () => {
          delayMs = backoffMs.first;
        });
      } catch {
        // Unreachable or lost: the store's own methods tell the caller, here it is only tried again.
      }
      await client.end().catch(() => undefined);
      if (this.#stop.signal.aborted) return;
      await this.#pause(delayMs * (0.5 + Math.random() / 2));
      delayMs = Math.min(delayMs * 2, backoffMs.max);
    }
  }

  /** Resolves when stopped, rejects when the connection is lost. */
  async #listen(client: Client, connected: () => void): Promise<void> {
    const lost = new Promise<never>((_resolve, reject) => {
      client.once("error", reject);
      client.once("end", () =>
        reject(new JobsError("store_unavailable", "the listening connection has ended: it is made again")),
      );
    });
    // Raced below; a loss before that is no unhandled rejection.
    lost.catch(() => undefined);
    await client.connect();
    client.on("notification", ({ payload }) => this.#options.heard(payload ?? ""));
    await client.query(`LISTEN "${this.#options.channel}"`);
    connected();
    await this.#options.reconnected(client);
    while (!this.#stop.signal.aborted) {
      await Promise.race([lost, this.#pause(probeEveryMs)]);
      if (!this.#stop.signal.aborted) await client.query("SELECT 1");
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stop.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref();
      this.#stop.signal.addEventListener("abort", done);
      if (this.#stop.signal.aborted) done();
    });
  }
}
