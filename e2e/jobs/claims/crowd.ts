import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ProofError } from "../proof.ts";
import { killed, type ProofStore } from "../stores.ts";

const workerScript = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Starting a process costs the machine more than a thousand claims: two a core of a small host. */
const startingMax = 4;
/**
 * Half a thousand share a host: no threads for the collector and the compiler, small young generations, code compiled once for
 * all of them, so that none loads the type stripper. 20 MB each of a hundred (PSS) instead of 45.
 */
const frugal = ["--max-semi-space-size=1", "--v8-pool-size=0", "--optimize-for-size"];

/** The claiming processes: started a few at a time, killed at random, replaced. */
export class Crowd {
  readonly #store: ProofStore;
  readonly #args: readonly string[];
  readonly #wanted: number;
  readonly #ready = new Set<ChildProcess>();
  readonly #starting = new Set<ChildProcess>();
  #isOver = false;
  /** What ended without being killed. */
  readonly faults: string[] = [];
  started = 0;
  killed = 0;

  /** @param args of each worker, after the store's address and its ledger's path. */
  constructor(store: ProofStore, wanted: number, args: readonly string[]) {
    this.#store = store;
    this.#wanted = wanted;
    this.#args = args;
  }

  /** How many have told that they claim. */
  get size(): number {
    return this.#ready.size;
  }

  get pids(): number[] {
    return [...this.#ready].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** All of them up and claiming. @throws ProofError `not_ended`. */
  async gather(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs;
    this.#fill();
    while (this.size < this.#wanted) {
      if (performance.now() > end)
        throw new ProofError("not_ended", `${this.size} of ${this.#wanted} processes claim after ${limitMs} ms`);
      await pause(200);
    }
  }

  #fill(): void {
    while (
      !this.#isOver &&
      this.#starting.size < startingMax &&
      this.#ready.size + this.#starting.size < this.#wanted
    ) {
      this.#startOne();
    }
  }

  #startOne(): void {
    this.started += 1;
    const ledger = join(this.#store.folder, `${this.started}.ledger`);
    const child = fork(workerScript, [this.#store.address, ledger, ...this.#args], {
      execArgv: [...process.execArgv, ...frugal],
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.#store.folder, "compiled"), UV_THREADPOOL_SIZE: "1" },
    });
    this.#starting.add(child);
    child.once("message", () => {
      this.#starting.delete(child);
      this.#ready.add(child);
      this.#fill();
    });
    child.once("exit", (code, signal) => {
      this.#starting.delete(child);
      this.#ready.delete(child);
      if (signal !== "SIGKILL" && code !== 0) this.faults.push(`a process ended by itself with ${code ?? signal}`);
      this.#fill();
    });
  }

  killOne(): void {
    const victim = [...this.#ready][Math.floor(Math.random() * this.#ready.size)];
    if (victim?.kill("SIGKILL") === true) this.killed += 1;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#ready, ...this.#starting].map(killed));
  }
}
