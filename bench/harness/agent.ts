import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BenchError } from "../bench-error.ts";
import type { Engine } from "../engines.ts";
import type { Answer, Call, Operation } from "./agent-process.ts";
import type { Operations } from "./operations.ts";
import type { Store } from "./stores.ts";

/** Compiled by `bench.ts`: node's stripping of types keeps 20 MB in a process, which no user of an engine has there. */
const scripts = {
  compiled: fileURLToPath(new URL("../dist/harness/agent-process.js", import.meta.url)),
  source: fileURLToPath(new URL("agent-process.ts", import.meta.url)),
};
const closeMsMax = 30_000;

/** How the processes that have engines are run. */
export interface AgentOptions {
  /** Where CPU profiles of the workers go; none are made when left out. */
  profile?: string;
  /** Our packages, and the processes' own code, as they stand in the checkout, instead of compiled. */
  fromSource: boolean;
}

type Name = Exclude<Operation, "close">;

/** The parent's end of a process that has an engine's session. */
export class Agent {
  readonly #child: ChildProcess;
  readonly #engine: string;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #calls = 0;
  #lost: BenchError | undefined;

  private constructor(engine: Engine, store: Store, { profile, fromSource }: AgentOptions) {
    this.#engine = engine.name;
    this.#child = fork(fromSource ? scripts.source : scripts.compiled, [engine.name], {
      execArgv: [
        ...(fromSource ? ["--conditions=source"] : []),
        // One file for each thread of each process.
        ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${join(profile, engine.name)}`]),
      ],
      // An argument could be read by everybody on this machine.
      env: { ...process.env, BENCH_ADDRESS: store.address },
    });
    this.#child.on("message", ({ id, value, problem }: Answer) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (problem === undefined) pending?.resolve(value);
      else pending?.reject(new BenchError("agent_failed", `${this.#engine}: ${problem}`));
    });
    this.#child.once("exit", (code, signal) => {
      this.#lost = new BenchError("agent_failed", `${this.#engine}: its process ended (${code ?? signal})`);
      for (const { reject } of this.#pending.values()) reject(this.#lost);
    });
  }

  /** A process with the engine's session on this store. */
  static async start(engine: Engine, store: Store, options: AgentOptions): Promise<Agent> {
    const agent = new Agent(engine, store, options);
    await agent.#expect(0);
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws BenchError `agent_failed` with what the engine threw. */
  async call<N extends Name>(
    operation: N,
    ...[argument]: Parameters<Operations[N]>
  ): Promise<Awaited<ReturnType<Operations[N]>>> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#calls += 1;
    const answered = this.#expect(this.#calls);
    this.#child.send({ id: this.#calls, operation, argument } satisfies Call);
    // What crosses is what the operation of that name returned.
    return (await answered) as Awaited<ReturnType<Operations[N]>>;
  }

  /** Lets the engine end what it runs; bounded. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.send({ id: -1, operation: "close", argument: undefined } satisfies Call);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), closeMsMax);
    await exited;
    clearTimeout(timer);
  }

  async #expect(id: number): Promise<unknown> {
    const pending = Promise.withResolvers<unknown>();
    this.#pending.set(id, pending);
    return await pending.promise;
  }
}
