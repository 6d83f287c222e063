import type { Ears } from "./ears.ts";
import type { Listening } from "./protocol.ts";
import type { Session } from "./session.ts";
import type { Writer } from "./writer.ts";

const versionSql = "PRAGMA data_version";
/** One index probe for each line, whatever the number of jobs. */
const nextLineSql = "SELECT line FROM jobs_ready WHERE line > ? ORDER BY line LIMIT 1";
const linesMax = 1_000;

export interface NotifierOptions {
  session: Session;
  writer: Pick<Writer, "isFree">;
  ears: Pick<Ears, "sign" | "leave">;
  pollMs: number;
  hint: (queues: string[]) => void;
}

/**
 * Hints about other connections' work on the file, whose own (`ears.ts`) may be lost or, of a caller's own handle, never given: SQLite
 * cannot notify, but `data_version` changes with each commit that is not this connection's own, and costs a look at the WAL's header. Only
 * while there are listeners.
 */
export class Notifier {
  readonly #options: NotifierOptions;
  #timer: NodeJS.Timeout | undefined;
  #ear: string | undefined;
  #version: number | undefined;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#version = this.#dataVersion();
  }

  listen(listening: Listening): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#ear = listening.on ? listening.ear : undefined;
    this.#sign();
    // The version stays that of the last look: what was committed since is told at the first one.
    if (listening.on) this.#timer = setInterval(() => this.#poll(), this.#options.pollMs);
  }

  #dataVersion(): number | undefined {
    return this.#options.session.get<{ data_version: number }>(versionSql)?.data_version;
  }

  /** At the next poll where it cannot be now. */
  #sign(): void {
    const { ears, writer } = this.#options;
    if (!writer.isFree) return;
    try {
      if (this.#ear === undefined) ears.leave();
      else ears.sign(this.#ear);
    } catch {
      // Busy or out of space: the operations themselves report that.
    }
  }

  #poll(): void {
    const { session, writer, hint } = this.#options;
    if (!writer.isFree) return;
    this.#sign();
    const version = this.#dataVersion();
    if (version === this.#version) return;
    this.#version = version;
    const queues = new Set<string>();
    for (let last = -1, lines = 0; lines < linesMax; lines += 1) {
      const row = session.get<{ line: number }>(nextLineSql, last);
      if (row === undefined) break;
      queues.add(session.lineOf(row.line).queue);
      last = row.line;
    }
    if (queues.size > 0) hint([...queues]);
  }
}
