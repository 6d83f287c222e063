import type { Lane, ProcessKind } from "../core/job.ts";
import type { JobDefinition } from "../core/request.ts";
import type { Clock } from "../manager/clock.ts";
import type { Log } from "../manager/events.ts";
import type { ManagerScopes } from "../memory/manager-scopes.ts";
import { openChild } from "./child.ts";
import { InlineProcess } from "./inline.ts";
import type { PoolSettings } from "./options.ts";
import { Pool, type PoolWiring } from "./pool.ts";
import type { AttemptHost, Process } from "./process.ts";
import { openThread } from "./thread.ts";

export interface ProcessesOptions {
  definitions: ReadonlyMap<string, JobDefinition>;
  pools: Readonly<Record<Exclude<ProcessKind, "inline">, PoolSettings>>;
  memory: Pick<ManagerScopes, "connect">;
  clock: Clock;
  log: Log;
  onFree: (lane: Lane) => void;
}

/** All the places where a manager's jobs run: its event loop, and a pool for each kind and lane that its jobs name. */
export class Processes implements Process {
  readonly #inline = new InlineProcess();
  readonly #pools = new Map<string, Pool>();
  readonly #isolated: JobDefinition[];

  constructor({ definitions, pools, memory, clock, log, onFree }: ProcessesOptions) {
    this.#isolated = [...definitions.values()].filter(({ process }) => process !== "inline");
    for (const { process: kind, lane } of this.#isolated) {
      const key = poolKey(kind, lane);
      if (kind === "inline" || this.#pools.has(key)) continue;
      const open = kind === "thread" ? openThread : openChild;
      const settings = pools[kind];
      const connect: PoolWiring["connect"] = (tell) => memory.connect(kind === "thread", tell);
      this.#pools.set(key, new Pool({ kind, settings, open, connect, clock, log, onFree: () => onFree(lane) }));
    }
  }

  /** Warms the pools and loads every isolated job where it will run. @throws JobsError `invalid_definition`: then none is left. */
  async start(): Promise<void> {
    for (const pool of this.#pools.values()) pool.start();
    try {
      for (const definition of this.#isolated) await this.#poolOf(definition)?.check(definition);
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  /** Attempts of this kind that can begin now; inline ones are bounded by their lane's slots alone. */
  free(kind: ProcessKind, lane: Lane): number {
    return kind === "inline" ? Infinity : (this.#pools.get(poolKey(kind, lane))?.free ?? 0);
  }

  run(host: AttemptHost): void {
    const { definition } = host;
    const pool = definition.process === "inline" ? undefined : this.#poolOf(definition);
    if (pool === undefined) this.#inline.run(host);
    else void pool.run(host).then((end) => host.over(end));
  }

  #poolOf({ process, lane }: JobDefinition): Pool | undefined {
    return this.#pools.get(poolKey(process, lane));
  }
}

function poolKey(kind: ProcessKind, lane: Lane): string {
  return `${kind} ${lane}`;
}
