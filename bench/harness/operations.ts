import { setTimeout as sleep } from "node:timers/promises";
import { type FlowShape, nowMs, type NewJob, type Payload, type Run, type Session } from "../engine.ts";
import { percentile } from "./figures.ts";

/** Every so many ended jobs the time is kept, for rates along a run. */
export const markEvery = 1_000;
const perBatch = 1_000;

export interface Progress {
  ended: number;
  /** Of the first job's start, by `nowMs`. */
  firstAt: number | undefined;
}

export interface Waits {
  count: number;
  p50: number;
  p99: number;
  max: number;
}

/** When a job ran, by `nowMs`. */
export interface Traced {
  start: number;
  end: number;
  isUrgent: boolean;
}

/** What a benchmark asks of a process that has an engine's session. Arguments and answers cross to another process as JSON. */
export class Operations {
  readonly #session: Session;
  #ended = 0;
  #firstAt: number | undefined;
  readonly #marks: number[] = [];
  #waits: number[] = [];
  #traces: Traced[] | undefined;
  readonly #slept = (resolve: () => void): void => {
    this.#end();
    resolve();
  };

  constructor(session: Session) {
    this.#session = session;
  }

  /** Begins to run jobs, and to count them. */
  async work({ traced = false, ...options }: { concurrency?: number; traced?: boolean }): Promise<void> {
    if (traced) this.#traces = [];
    const run: Run = (payload: Payload) => {
      this.#firstAt ??= nowMs();
      if (payload.at !== undefined) this.#waits.push(nowMs() - payload.at);
      if (payload.ms !== undefined) {
        const traces = this.#traces;
        return traces === undefined
          ? this.#endAfter(payload.ms)
          : this.#tracedEndAfter(payload.ms, payload.urgent === true, traces);
      }
      this.#end();
      return undefined;
    };
    await this.#session.work({ ...options, run });
  }

  #end(): void {
    this.#ended += 1;
    if (this.#ended % markEvery === 0) this.#marks.push(nowMs());
  }

  /** One timer, one promise and no closure: twenty thousand of them shall not be what is measured. */
  #endAfter(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(this.#slept, ms, resolve);
    });
  }

  #tracedEndAfter(ms: number, isUrgent: boolean, traces: Traced[]): Promise<void> {
    const start = nowMs();
    return this.#endAfter(ms).then(() => void traces.push({ start, end: nowMs(), isUrgent }));
  }

  async progress(): Promise<Progress> {
    return { ended: this.#ended, firstAt: this.#firstAt };
  }

  /** When each thousandth job ended. */
  async marks(): Promise<number[]> {
    return this.#marks;
  }

  /** From enqueue to start of the jobs that said when they were enqueued, since the last call; ms. */
  async waits(): Promise<Waits> {
    const sorted = this.#waits.toSorted((a, b) => a - b);
    this.#waits = [];
    return spreadOf(sorted);
  }

  /** The ended jobs of a `traced` run, in the order of their ends. */
  async traces(): Promise<Traced[]> {
    return this.#traces ?? [];
  }

  /** Enqueues urgent jobs one by one; when each was there, by `nowMs`. */
  async interrupt({ count, everyMs, jobMs }: { count: number; everyMs: number; jobMs: number }): Promise<number[]> {
    const there: number[] = [];
    for (let index = 0; index < count; index += 1) {
      // At any moment of the ordinary jobs' time.
      await sleep(everyMs + Math.random() * jobMs);
      await this.#session.add({ payload: { ms: jobMs, urgent: true }, first: true });
      there.push(nowMs());
    }
    return there;
  }

  async unfinished(): Promise<number> {
    return await this.#session.unfinished();
  }

  /** Enqueues so many in batches of 1,000, several at a time; ms it took. */
  async fill(options: { count: number; job?: Partial<NewJob>; loops?: number }): Promise<number> {
    const { count, job = {}, loops = 4 } = options;
    let left = count;
    const since = nowMs();
    const loop = async (): Promise<void> => {
      for (let size = Math.min(left, perBatch); size > 0; size = Math.min(left, perBatch)) {
        left -= size;
        await this.#session.addMany(Array.from({ length: size }, () => ({ payload: {}, ...job })));
      }
    };
    await Promise.all(Array.from({ length: loops }, loop));
    return nowMs() - since;
  }

  async addGated({ count }: { count: number }): Promise<void> {
    await this.#session.addGated?.(count);
  }

  /** Enqueues one at a time from each of so many producers; ms it took, and what one enqueue took. */
  async produce({ producers, count }: { producers: number; count: number }): Promise<Waits & { ms: number }> {
    let left = count;
    const each: number[] = [];
    const since = nowMs();
    const loop = async (): Promise<void> => {
      for (; left > 0;) {
        left -= 1;
        const before = nowMs();
        await this.#session.add({ payload: {} });
        each.push(nowMs() - before);
      }
    };
    await Promise.all(Array.from({ length: producers }, loop));
    const ms = nowMs() - since;
    return { ...spreadOf(each.toSorted((a, b) => a - b)), ms };
  }

  /** Enqueues one every so many ms, whether the one before is acknowledged or not, each saying when. */
  async pace({ count, everyMs }: { count: number; everyMs: number }): Promise<void> {
    const since = nowMs();
    const sent: Promise<void>[] = [];
    for (let index = 0; index < count; index += 1) {
      const restMs = since + index * everyMs - nowMs();
      // Shorter rests than the timer's are made up for by the next ones.
      if (restMs >= 1) await sleep(restMs);
      sent.push(this.#session.add({ payload: { at: nowMs() } }));
    }
    await Promise.all(sent);
  }

  async addFlows(options: {
    flows: number;
    children: number;
    shape: FlowShape;
  }): Promise<{ ms: number; jobs: number }> {
    const { flows, children, shape } = options;
    const perCall = 100;
    const since = nowMs();
    for (let left = flows; left > 0; left -= perCall)
      await this.#session.addFlows?.(Math.min(left, perCall), children, shape);
    return { ms: nowMs() - since, jobs: flows * (this.#session.flowJobs?.(children, shape) ?? 0) };
  }

  /** Takes and ends jobs one at a time; what the taking took. */
  async claimOnes({ count }: { count: number }): Promise<Waits> {
    const each: number[] = [];
    for (let index = 0; index < count; index += 1) each.push((await this.#session.claimOne?.()) ?? Number.NaN);
    return spreadOf(each.toSorted((a, b) => a - b));
  }

  /** Most memory that this process has had; MB. */
  async peakRssMb(): Promise<number> {
    return process.resourceUsage().maxRSS / 1_024;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

function spreadOf(sorted: readonly number[]): Waits {
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? Number.NaN,
  };
}
