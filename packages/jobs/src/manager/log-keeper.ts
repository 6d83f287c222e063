import { limits } from "../core/limits.ts";
import { linesPerAttempt, type NewLogLine } from "../transporters/logs.ts";
import type { Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { AttemptName, Log } from "./events.ts";
import { Pulse } from "./pulse.ts";

export interface LogKeeperOptions {
  transporter: Pick<Transporter, "logs">;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** Handed over this often at most. */
const everyMs = 500;
/** While the store is away or slower than what is told: what is above that is lost, the newest first. */
const waitingMax = 10 * limits.batchJobsMax;
/** Attempts whose lines are numbered at a time; the oldest number on as if new, which repeats none of what was kept. */
const attemptsMax = 10_000;

interface Line {
  line: NewLogLine;
  toldAt: number;
}

/** Keeps what jobs tell and print (L15), the first `limits.logLinesMax` lines of each attempt: a few batches a second, whatever is told. */
export class LogKeeper {
  readonly #options: LogKeeperOptions;
  readonly #pulse: Pulse;
  readonly #lines = new Map<string, number>();
  #waiting: Line[] = [];

  constructor(options: LogKeeperOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "log-keeper", beat: () => this.#hand() });
  }

  start(): void {
    this.#pulse.start();
  }

  /** What was told until now is handed over, once. */
  async stop(): Promise<void> {
    await this.#pulse.stop();
    await this.#hand().catch(() => undefined);
    this.#waiting = [];
    this.#lines.clear();
  }

  told(
    attempt: AttemptName,
    stream: NewLogLine["stream"],
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void {
    const line = this.#number(attempt);
    if (line > limits.logLinesMax || line >= linesPerAttempt || this.#waiting.length >= waitingMax) return;
    const first = this.#waiting.length === 0;
    const { jobId, fence } = attempt;
    const text = fields === undefined || Object.keys(fields).length === 0 ? undefined : fieldsText(fields);
    const more = text === undefined ? {} : { fields: text };
    this.#waiting.push({
      line: { jobId, fence, line, agoMs: 0, stream, message: storable(message), ...more },
      toldAt: this.#options.clock.now(),
    });
    if (first) this.#pulse.wakeIn(everyMs);
  }

  /** Attempts end without a word of it here: those that told nothing for longest are forgotten. */
  #number({ jobId, fence }: AttemptName): number {
    const key = `${jobId}:${fence}`;
    const line = (this.#lines.get(key) ?? 0) + 1;
    this.#lines.delete(key);
    this.#lines.set(key, line);
    const oldest = this.#lines.size > attemptsMax ? this.#lines.keys().next().value : undefined;
    if (oldest !== undefined) this.#lines.delete(oldest);
    return line;
  }

  async #hand(): Promise<number> {
    const { transporter, clock } = this.#options;
    const batch = this.#waiting.slice(0, limits.batchJobsMax);
    if (batch.length === 0) return everyMs * 120;
    const now = clock.now();
    await transporter.logs.add(
      batch.map(({ line, toldAt }) => ({ ...line, agoMs: Math.max(0, Math.round(now - toldAt)) })),
    );
    this.#waiting.splice(0, batch.length);
    return this.#waiting.length > 0 ? everyMs : everyMs * 120;
  }
}

/** Stores take neither NUL nor half a character. */
function storable(text: string): string {
  return text.slice(0, limits.logLineBytesMax).replaceAll("\0", "\uFFFD").toWellFormed();
}

function fieldsText(fields: Readonly<Record<string, unknown>>): string | undefined {
  try {
    const text = JSON.stringify(fields);
    return text.length <= limits.logLineBytesMax ? text.toWellFormed() : undefined;
  } catch {
    // A circle, or a bigint: the message is kept without it.
    return undefined;
  }
}
