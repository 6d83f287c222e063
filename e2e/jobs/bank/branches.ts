/** Managers in processes of their own that withdraw from one store or host (`prove:bank`). */
import { join } from "node:path";
import type { JobManager, SemaphoreScope } from "@provost/jobs";
import { Teller } from "../../../packages/jobs/tests/memory/tellers.ts";
import type { Withdrawals } from "../../../packages/jobs/tests/memory/jobs.ts";
import type { ProofStore } from "../stores.ts";

/** Programs that are being started at a time: all at once keep two cores from everything else for minutes. */
const startingMax = 3;

/** All withdraw at once, `times` each: how many they got together, and the seconds from the first's beginning to the last's end. */
export interface Withdrawn {
  got: number;
  seconds: number;
}

/** The processes, all started. */
export class Branches {
  readonly #place: string;
  readonly #schema: string;
  readonly #hostFolder: string;
  readonly #tellers: Teller[] = [];
  startSeconds = 0;

  constructor(store: ProofStore, schema: string) {
    this.#place = store.address;
    this.#schema = schema;
    this.#hostFolder = join(store.folder, "host");
  }

  get hostFolder(): string {
    return this.#hostFolder;
  }

  /** Until there are so many, a few starting at a time. */
  async open(count: number): Promise<void> {
    const since = performance.now();
    let starting = this.#tellers.length;
    const next = async (): Promise<void> => {
      while (starting < count) {
        starting += 1;
        const teller = new Teller(this.#place, this.#schema, this.#hostFolder);
        this.#tellers.push(teller);
        await teller.next("ready");
      }
    };
    await Promise.all(Array.from({ length: startingMax }, next));
    this.startSeconds = (performance.now() - since) / 1_000;
  }

  async withdraw(input: Withdrawals, count = this.#tellers.length): Promise<Withdrawn> {
    const tellers = this.#tellers.slice(0, count);
    const since = performance.now();
    for (const teller of tellers) teller.tell({ act: "withdraw", ...input });
    const each = await Promise.all(tellers.map((teller) => teller.next("done")));
    return { got: each.reduce((sum, { got }) => sum + got, 0), seconds: (performance.now() - since) / 1_000 };
  }

  /** Kills so many in the section, one after the other: ms from each one's death to its permit in the manager's hand. */
  async freed(manager: JobManager, scope: SemaphoreScope, rounds: number): Promise<number[]> {
    const freedMs: number[] = [];
    const semaphore = manager.semaphore("freed", { scope });
    for (const holder of this.#tellers.splice(0, rounds)) {
      holder.tell({ act: "hold", name: "freed", scope });
      await holder.next("holding");
      const waiting = semaphore.acquire();
      const killedAt = performance.now();
      await holder.kill();
      const permit = await waiting;
      freedMs.push(performance.now() - killedAt);
      await permit.release();
    }
    return freedMs;
  }

  async close(): Promise<void> {
    await Promise.all(this.#tellers.splice(0).map((teller) => teller.kill()));
  }
}
