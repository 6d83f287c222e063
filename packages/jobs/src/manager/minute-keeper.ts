import { Histogram } from "../core/histogram.ts";
import { limits } from "../core/limits.ts";
import type { MinuteRow } from "../transporters/minutes.ts";
import type { Outcome, Transporter } from "../transporters/transporter.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./events.ts";
import type { Leader } from "./leader.ts";
import { Pulse } from "./pulse.ts";
import type { Applied } from "./settler.ts";

export interface MinuteKeeperOptions {
  transporter: Pick<Transporter, "minutes" | "now">;
  manager: string;
  leader: Pick<Leader, "leads">;
  clock: Clock;
  random: () => number;
  log: Log;
}

const minuteMs = 60_000;
const everyMs = 5_000;
/** That wait for a store that is away: what is older would not be shown any more. */
const minutesMax = 120;
/** Under which what is above `limits.minuteRowsMax` is counted together. */
const others = "(others)";

interface Counted extends Omit<MinuteRow, "waits" | "runs" | "minute"> {
  waits: Histogram;
  runs: Histogram;
}

interface Minute {
  rows: Map<string, Counted>;
  /** Something was counted since it was put last. */
  isNew: boolean;
}

/**
 * Counts what this manager's attempts come to, by minute, name and queue (L15), and hands the store whole rows every few seconds:
 * 10,000 jobs a minute of one name are one row. A store that was away gets them later; what is counted when a manager is killed, 5 s at most,
 * is lost to the figures and to nothing else. The leader notes how many jobs there are, once a minute.
 *
 * An attempt counts in the minute in which its end was taken by the store.
 */
export class MinuteKeeper {
  readonly #options: MinuteKeeperOptions;
  readonly #pulse: Pulse;
  readonly #minutes = new Map<number, Minute>();
  /** What the store's clock has above this manager's. */
  #offsetMs = 0;
  #latest = 0;
  #levelOf = 0;

  constructor(options: MinuteKeeperOptions) {
    this.#options = options;
    this.#pulse = new Pulse({ ...options, service: "minute-keeper", beat: () => this.#put() });
  }

  /** A store that is away now is asked again with the first put: until then this host's clock is taken for its. */
  async start(): Promise<void> {
    await this.#look().catch(() => {
      this.#offsetMs = Date.now() - this.#options.clock.now();
    });
    this.#levelOf = this.#minute();
    this.#pulse.start();
  }

  /** What was counted until now is handed over, once. */
  async stop(): Promise<void> {
    await this.#pulse.stop();
    await this.#put().catch(() => undefined);
  }

  count(applied: readonly Applied[]): void {
    const now = this.#options.clock.now();
    const at = this.#minute();
    let minute = this.#minutes.get(at);
    if (minute === undefined) {
      this.#minutes.set(at, (minute = { rows: new Map(), isNew: true }));
      const oldest = this.#minutes.size > minutesMax ? this.#minutes.keys().next().value : undefined;
      if (oldest !== undefined) this.#minutes.delete(oldest);
    }
    for (const { job, outcome, startedAt } of applied) {
      const kind = countedAs(outcome);
      if (kind === undefined) continue;
      minute.isNew = true;
      const row = rowOf(minute.rows, job.name, job.queue);
      if (kind !== "released") row[kind] += 1;
      if (startedAt === undefined) continue;
      row.waits.add(Math.max(0, startedAt + this.#offsetMs - job.readyAt));
      row.runs.add(Math.max(0, now - startedAt));
    }
  }

  /** Never goes back: a minute that was handed over whole would be replaced by what came after it. */
  #minute(): number {
    const minute = Math.floor((this.#options.clock.now() + this.#offsetMs) / minuteMs) * minuteMs;
    this.#latest = Math.max(this.#latest, minute);
    return this.#latest;
  }

  /** Half of the call's time is taken for its way back. */
  async #look(): Promise<void> {
    const { transporter, clock } = this.#options;
    const sentAt = clock.now();
    this.#offsetMs = (await transporter.now()) - (sentAt + clock.now()) / 2;
  }

  async #put(): Promise<number> {
    const { transporter, manager, leader } = this.#options;
    // One that neither runs jobs nor leads asks the store nothing.
    if (!leader.leads && this.#minutes.size === 0) return everyMs;
    await this.#look();
    const now = this.#minute();
    for (const [at, minute] of this.#minutes) {
      if (minute.isNew) {
        minute.isNew = false;
        try {
          await transporter.minutes.put(manager, rowsOf(at, minute.rows));
        } catch (error) {
          minute.isNew = true;
          throw error;
        }
      }
      if (at < now && !minute.isNew) this.#minutes.delete(at);
    }
    if (leader.leads && this.#levelOf < now) await transporter.minutes.put(manager, [], now - minuteMs);
    this.#levelOf = now;
    return everyMs;
  }
}

function rowOf(rows: Map<string, Counted>, name: string, queue: string): Counted {
  const key = `${queue}\n${name}`;
  const found = rows.get(key);
  if (found !== undefined) return found;
  if (rows.size >= limits.minuteRowsMax && name !== others) return rowOf(rows, others, others);
  const row: Counted = {
    name,
    queue,
    processed: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
    waits: new Histogram(),
    runs: new Histogram(),
  };
  rows.set(key, row);
  return row;
}

function rowsOf(minute: number, rows: ReadonlyMap<string, Counted>): MinuteRow[] {
  return [...rows.values()].map((row) => ({ ...row, minute, waits: row.waits.text(), runs: row.runs.text() }));
}

/** What was never tried counts nowhere (L4). */
function countedAs(outcome: Outcome): "processed" | "failed" | "cancelled" | "retried" | "released" | undefined {
  if (outcome.kind === "defer") return undefined;
  if (outcome.kind !== "retry") return outcome.kind;
  return outcome.cause === "released" ? "released" : "retried";
}
