/** Threads or child processes of one manager that withdraw from its own memory (`prove:bank`). */
import { join } from "node:path";
import { JobManager, type ProcessKind } from "@provost/jobs";
import { sqlite } from "@provost/jobs/sqlite";
import { inChild, inThread, type Withdrawals } from "../../../packages/jobs/tests/memory/jobs.ts";
import type { Withdrawn } from "./branches.ts";

const startingMax = 3;

export class Isolated {
  readonly manager: JobManager;
  readonly #jobs: typeof inThread;
  readonly #transporter: ReturnType<typeof sqlite>;
  startSeconds = 0;

  constructor(kind: Exclude<ProcessKind, "inline">, folder: string, count: number) {
    this.#jobs = kind === "thread" ? inThread : inChild;
    this.#transporter = sqlite(join(folder, `${kind}.db`));
    this.manager = new JobManager({
      transporter: this.#transporter,
      jobs: [this.#jobs.withdraws, this.#jobs.gathers],
      processes: { [kind]: { max: count, idle: "1h" } },
      slots: { short: count },
    });
  }

  /** Until there are so many, a few starting at a time: each waits inside for the gate, so that the next job needs another. */
  async open(count: number): Promise<void> {
    const since = performance.now();
    await this.manager.start();
    const gate = await this.manager.semaphore("gate", { scope: "manager" }).acquire();
    const ids: string[] = [];
    const here = this.manager.memory("manager");
    for (let last = 0; last < count;) {
      last = Math.min(last + startingMax, count);
      const items = Array.from({ length: last - ids.length }, () => this.#jobs.gathers.with({ gate: "gate" }));
      ids.push(...(await this.manager.enqueueMany(items)).map(({ id }) => id));
      while (Number((await here.get("here")) ?? 0) < last) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await gate.release();
    await Promise.all(ids.map((id) => this.manager.result(this.#jobs.gathers, id, { timeout: "10m" })));
    this.startSeconds = (performance.now() - since) / 1_000;
  }

  async withdraw(input: Withdrawals, count: number): Promise<Withdrawn> {
    const since = performance.now();
    const items = Array.from({ length: count }, () => this.#jobs.withdraws.with(input));
    const enqueued = await this.manager.enqueueMany(items);
    const each = await Promise.all(
      enqueued.map(({ id }) => this.manager.result(this.#jobs.withdraws, id, { timeout: "10m" })),
    );
    return { got: each.reduce((sum, got) => sum + got, 0), seconds: (performance.now() - since) / 1_000 };
  }

  async close(): Promise<void> {
    await this.manager.stop();
    await this.#transporter.stop();
  }
}
