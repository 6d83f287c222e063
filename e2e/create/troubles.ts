import { setTimeout as pause } from "node:timers/promises";
import type { Provost } from "../harness/provost.ts";
import type { SandboxCloud, SetFault } from "../harness/sandbox.ts";

/** Without an end of their own. */
const times = 1_000_000;
/** A storm refuses every call, again and again. */
const storm = { everyMs: 20_000, forMs: 2_000 } as const;
const creates = { method: "POST", path: "/v4/linode/instances" };
const looks = { method: "GET", path: "/v4/**" };

type Counted = "lost" | "before" | "after" | "storms";

/** Calls that met each trouble, as the sandbox counted them; `wasted` of them were creates without an effect. */
export type Met = Record<Counted | "wasted", number>;

/** One call in ten each: the first fault that fits takes the call, so the later ones see what is left. */
const failing = [
  { counted: "lost", kind: "lost_answer", probability: 1 / 10 },
  { counted: "before", kind: "error_before", status: 502, probability: 1 / 9 },
  { counted: "after", kind: "error_after", status: 500, probability: 1 / 8 },
] as const;

/** A cloud that fails three calls in ten in three ways and has storms of 429, and a server that is killed. */
export class Troubles {
  readonly #provost: Provost;
  readonly #cloud: SandboxCloud;
  readonly #met: Met = { lost: 0, before: 0, after: 0, storms: 0, wasted: 0 };
  #set: { id: number; counted: Counted; isCreate: boolean }[] = [];
  readonly #over = new AbortController();
  #storming: Promise<void> = Promise.resolve();
  kills = 0;
  peakRssMb = 0;
  /** In which nothing could go on: no server, or every call refused. */
  downSeconds = 0;
  stormSeconds = 0;

  constructor(provost: Provost, cloud: SandboxCloud) {
    this.#provost = provost;
    this.#cloud = cloud;
  }

  async begin(): Promise<void> {
    await this.#arm(false);
    this.#storming = this.#storms();
  }

  /** `kill -9` of the server, spread over so many seconds, and a start after each. */
  async kill(count: number, overSeconds: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      // The first one while the deploys are asked for.
      await pause(n === 0 ? 1_500 : Math.max((overSeconds * 1_000) / count, 5_000));
      this.peakRssMb = Math.max(this.peakRssMb, this.#provost.peakRssMb());
      const since = performance.now();
      this.#provost.kill();
      await this.#provost.killed();
      await this.#provost.serve();
      this.downSeconds += (performance.now() - since) / 1_000;
      this.kills += 1;
    }
  }

  /** Ends them, and tells what was met. */
  async end(): Promise<Met> {
    this.#over.abort();
    await this.#storming;
    await this.#disarm();
    return this.#met;
  }

  async #storms(): Promise<void> {
    const { signal } = this.#over;
    const sleep = (ms: number): Promise<void> => pause(ms, undefined, { signal }).catch(() => {});
    while (!signal.aborted) {
      await sleep(storm.everyMs);
      if (signal.aborted) return;
      const since = performance.now();
      await this.#arm(true);
      await sleep(storm.forMs);
      await this.#arm(false);
      this.stormSeconds += (performance.now() - since) / 1_000;
    }
  }

  async #arm(isStorm: boolean): Promise<void> {
    await this.#disarm();
    const faults = isStorm ? [{ counted: "storms", kind: "rate_limit", retry_after: 1 } as const] : failing;
    for (const where of [creates, looks]) {
      for (const { counted, ...fault } of faults) {
        const { id }: SetFault = await this.#cloud.setFault({ ...fault, ...where, times });
        this.#set.push({ id, counted, isCreate: where === creates });
      }
    }
  }

  async #disarm(): Promise<void> {
    const applied = new Map((await this.#cloud.faults()).map((fault) => [fault.id, fault.applied]));
    await this.#cloud.clearFaults();
    for (const { id, counted, isCreate } of this.#set) {
      const calls = applied.get(id) ?? 0;
      this.#met[counted] += calls;
      if (isCreate && (counted === "before" || counted === "storms")) this.#met.wasted += calls;
    }
    this.#set = [];
  }
}
