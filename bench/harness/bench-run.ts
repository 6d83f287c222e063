import { setTimeout as sleep } from "node:timers/promises";
import { BenchError } from "../bench-error.ts";
import { nowMs } from "../engine.ts";
import type { Engine } from "../engines.ts";
import { Agent, type AgentOptions } from "./agent.ts";
import { cpuSecondsUnder } from "./cpu.ts";
import type { Progress } from "./operations.ts";
import type { Store, Stores } from "./stores.ts";

/** Looking costs the two cores little at this rate, and errs by this much at most. */
const lookEveryMs = 5;
const boundMs = 15 * 60_000;

/** What a scenario's run is given: stores and processes, which end with it. */
export class Bench {
  readonly #stores: Stores;
  readonly #options: AgentOptions;
  readonly #opened: { store: Store; agents: Agent[] }[] = [];

  constructor(stores: Stores, options: AgentOptions) {
    this.#stores = stores;
    this.#options = options;
  }

  /** An empty store, and a process beside it that fills it and looks at it. */
  async open(engine: Engine): Promise<Site> {
    const store = await this.#stores.fresh(engine.store);
    const agents: Agent[] = [];
    this.#opened.push({ store, agents });
    const start = async (options: AgentOptions): Promise<Agent> => {
      const agent = await Agent.start(engine, store, options);
      agents.push(agent);
      return agent;
    };
    // Alone: it makes the tables.
    const beside = await start({ fromSource: this.#options.fromSource });
    return new Site(store, beside, async () => await start(this.#options));
  }

  async close(): Promise<void> {
    for (const { store, agents } of this.#opened.splice(0)) {
      await Promise.all(agents.map(async (agent) => await agent.close()));
      await store.drop();
    }
  }
}

/** How jobs were run to an end, or until time was up. */
export interface Drained {
  jobs: number;
  seconds: number;
  /** CPU seconds of the workers' processes, and of the store's. */
  nodeCpu: number;
  storeCpu: number;
}

/** An engine on a store of its own. */
export class Site {
  readonly store: Store;
  /** Fills the store and looks at it; runs no jobs. */
  readonly beside: Agent;
  readonly #start: () => Promise<Agent>;

  constructor(store: Store, beside: Agent, start: () => Promise<Agent>) {
    this.store = store;
    this.beside = beside;
    this.#start = start;
  }

  /** Processes that are ready to work, and do not yet. */
  async workers(count: number): Promise<Agent[]> {
    return await Promise.all(Array.from({ length: count }, this.#start));
  }

  /**
   * Runs what is in the store. From the start of the first job until the store has none left (all ended durably), or until
   * `msMax` have passed, and then what ended by then counts.
   *
   * @throws BenchError `not_ended` when more was run than there was, or the end does not come.
   */
  async drain(
    workers: readonly Agent[],
    count: number,
    options: { concurrency?: number; msMax?: number } = {},
  ): Promise<Drained> {
    const { msMax, ...how } = options;
    const pids = workers.map(({ pid }) => pid);
    const before = { node: cpuSecondsUnder(pids), store: cpuSecondsUnder(this.store.pids) };
    const since = nowMs();
    await Promise.all(workers.map(async (worker) => await worker.call("work", how)));
    const { ended, firstAt, endAt } = await this.ended(workers, count, since + (msMax ?? boundMs));
    if (ended < count && msMax === undefined)
      throw new BenchError("not_ended", `${ended} of ${count} jobs ended within ${boundMs} ms`);
    return {
      jobs: ended,
      seconds: (endAt - firstAt) / 1_000,
      nodeCpu: cpuSecondsUnder(pids) - before.node,
      storeCpu: cpuSecondsUnder(this.store.pids) - before.store,
    };
  }

  /** Waits until a worker has run so many jobs, or more. @throws BenchError `not_ended`. */
  async handled(worker: Agent, count: number): Promise<void> {
    const until = nowMs() + boundMs;
    for (let { ended } = await worker.call("progress"); ended < count; { ended } = await worker.call("progress")) {
      if (nowMs() > until) throw new BenchError("not_ended", `${ended} of ${count} jobs ended within ${boundMs} ms`);
      await sleep(lookEveryMs);
    }
  }

  /** Waits until so many jobs have ended, in the store too, or until this time. */
  async ended(
    workers: readonly Agent[],
    count: number,
    until: number,
  ): Promise<{ ended: number; firstAt: number; endAt: number }> {
    for (;;) {
      const seen = await Promise.all(workers.map(async (worker) => await worker.call("progress")));
      const ended = seen.reduce((sum, progress) => sum + progress.ended, 0);
      if (ended > count) throw new BenchError("not_ended", `${ended} jobs were run where there were ${count}`);
      const over = nowMs() > until;
      if (over || (ended === count && (await this.beside.call("unfinished")) === 0))
        return { ended, firstAt: firstOf(seen), endAt: nowMs() };
      await sleep(lookEveryMs);
    }
  }
}

function firstOf(seen: readonly Progress[]): number {
  const first = Math.min(...seen.flatMap(({ firstAt }) => firstAt ?? []));
  if (Number.isFinite(first)) return first;
  throw new BenchError("not_ended", "no job was started");
}
