import type { Session } from "./session.ts";
import type { Writer } from "./writer.ts";

const versionSql = "PRAGMA data_version";
/** One index probe for each line, whatever the number of jobs. */
const nextLineSql = "SELECT line FROM jobs_ready WHERE line > ? ORDER BY line LIMIT 1";
const linesMax = 1_000;

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
    const queues = new Set<string>();
    for (let last = -1, lines = 0; lines < linesMax; lines += 1) {
      const row = this.#session.get<{ line: number }>(nextLineSql, last);
      if (row === undefined) break;
      queues.add(this.#session.lineOf(row.line).queue);
      last = row.line;
    }
    if (queues.size > 0) this.#hint([...queues]);
  }
}
