import { isReady } from "./operations/ready.ts";
import type { Session } from "./session.ts";
import type { Writer } from "./writer.ts";

const versionSql = "PRAGMA data_version";
/** One index probe for each queue, whatever the number of jobs. */
const nextQueueSql = `SELECT j.queue FROM jobs_job AS j INDEXED BY jobs_job_ready WHERE ${isReady} AND j.queue > ? ORDER BY j.queue LIMIT 1`;
const queuesMax = 1_000;

/**
 * Hints about other connections' work on the file: SQLite cannot notify, but `data_version` changes with each commit that
 * is not this connection's own, and costs a look at the WAL's header. Only while there are listeners.
 */
export class Notifier {
  readonly #session: Session;
  readonly #writer: Writer;
  readonly #pollMs: number;
  readonly #hint: (queues: string[]) => void;
  #timer: NodeJS.Timeout | undefined;
  #version: number | undefined;

  constructor(session: Session, writer: Writer, pollMs: number, hint: (queues: string[]) => void) {
    this.#session = session;
    this.#writer = writer;
    this.#pollMs = pollMs;
    this.#hint = hint;
    this.#version = this.#dataVersion();
  }

  listen(on: boolean): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!on) return;
    // The version stays that of the last look: what was committed since is told at the first one.
    this.#timer = setInterval(() => this.#poll(), this.#pollMs);
  }

  #dataVersion(): number | undefined {
    return this.#session.get<{ data_version: number }>(versionSql)?.data_version;
  }

  #poll(): void {
    if (this.#writer.held) return;
    const version = this.#dataVersion();
    if (version === this.#version) return;
    this.#version = version;
    const queues: string[] = [];
    for (let last = ""; queues.length < queuesMax;) {
      const row = this.#session.get<{ queue: string }>(nextQueueSql, last);
      if (row === undefined) break;
      queues.push(row.queue);
      last = row.queue;
    }
    if (queues.length > 0) this.#hint(queues);
  }
}
