import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limits, type EnqueuedFlow, type EnqueuedJob, type JobManager, type Transporter } from "@provost/jobs";
import { ProofError, type Ground } from "../proof.ts";
import { countOf, killed, until, type ProofStore } from "../stores.ts";
import { meet, wait } from "./jobs.ts";

const wakerScript = fileURLToPath(new URL("waker.ts", import.meta.url));
const limitMs = 180_000;
const meetings = 100;

/** Waits released with a wake key (L7), beside workers that run. */
export class Waits {
  readonly #store: ProofStore;
  readonly #transporter: Transporter;
  readonly #manager: JobManager;
  readonly #ground: Ground<"waits">;
  readonly #batches: string[][] = [];

  constructor(store: ProofStore, transporter: Transporter, manager: JobManager, ground: Ground<"waits">) {
    this.#store = store;
    this.#transporter = transporter;
    this.#manager = manager;
    this.#ground = ground;
    for (let first = 0; first < ground.numbers.waits; first += limits.batchJobsMax) {
      const count = Math.min(limits.batchJobsMax, ground.numbers.waits - first);
      this.#batches.push(Array.from({ length: count }, (_, n) => `server:${first + n}`));
    }
  }

  async prove(): Promise<void> {
    const { waits } = this.#ground.numbers;
    const added: (EnqueuedJob | EnqueuedFlow)[] = [];
    for (const keys of this.#batches)
      added.push(...(await this.#manager.enqueueMany(keys.map((key) => wait.with(key)))));
    await until(async () => (await countOf(this.#transporter, "delayed")) === waits, limitMs);
    await this.#rolledBack();
    await this.#killed();
    await this.#meet();
    const since = performance.now();
    for (const keys of this.#batches) await this.#committed(keys);
    const before = Math.round(performance.now() - since);
    const ids = new Set(added.map(({ id }) => id));
    await until(async () => (await countOf(this.#transporter, "delayed", "queued", "in_progress")) === 0, limitMs);
    const seconds = ((performance.now() - since) / 1_000).toFixed(1);
    const woken = await this.#processed(ids);
    this.#ground.check(
      woken === waits,
      `${woken} of ${waits} waits of an hour were woken in ${before} ms and had ended after ${seconds} s`,
    );
  }

  async #processed(ids: ReadonlySet<string>): Promise<number> {
    let processed = 0;
    const list = [...ids];
    for (let first = 0; first < list.length; first += 100) {
      const jobs = await Promise.all(list.slice(first, first + 100).map((id) => this.#manager.get(id)));
      processed += jobs.filter((job) => job?.status === "processed" && job.attemptsUsed === 1).length;
    }
    return processed;
  }

  async #inTransaction(keys: string[], commits: boolean): Promise<number> {
    const { sql } = this.#transporter;
    if (sql === undefined) throw new ProofError("not_ended", "the store takes no transaction of the caller's");
    let met = 0;
    const rollback = new ProofError("not_ended", "rolled back on purpose");
    try {
      await sql.transaction(async (tx) => {
        met = await this.#manager.wake(keys, { tx });
        if (!commits) throw rollback;
      });
    } catch (error) {
      if (error !== rollback) throw error;
    }
    return met;
  }

  async #committed(keys: string[]): Promise<void> {
    await this.#inTransaction(keys, true);
  }

  async #rolledBack(): Promise<void> {
    let met = 0;
    for (const keys of this.#batches) met += await this.#inTransaction(keys, false);
    await this.#checkAsleep(`${met} wakes in transactions that rolled back`, met);
  }

  /** kill -9 of the process that has woken them and not committed. */
  async #killed(): Promise<void> {
    const waker = fork(wakerScript, [this.#store.address], { execArgv: process.execArgv });
    const signal = AbortSignal.timeout(limitMs);
    try {
      await once(waker, "message", { signal });
      const answer = once(waker, "message", { signal }) as Promise<[number]>;
      waker.send(this.#batches[0] ?? []);
      const [met] = await answer;
      await killed(waker);
      await this.#checkAsleep(`${met} wakes in a transaction whose process was killed`, met);
    } finally {
      await killed(waker);
    }
  }

  /** A job enqueued now runs through: whatever had been woken before it would have been taken by then. */
  async #checkAsleep(what: string, met: number): Promise<void> {
    const { id } = await this.#manager.enqueue(wait, "witness");
    await this.#manager.wake("witness");
    await this.#manager.finished(id, { timeout: limitMs });
    const asleep = await countOf(this.#transporter, "delayed");
    this.#ground.check(met > 0 && asleep === this.#ground.numbers.waits, `${what} woke nothing: ${asleep} wait still`);
  }

  /** Wakes that come while their jobs run, before these have said that they wait. */
  async #meet(): Promise<void> {
    const gate = join(this.#store.folder, "gate");
    const keys = Array.from({ length: meetings }, (_, n) => `meeting:${n}`);
    const ids = (await this.#manager.enqueueMany(keys.map((key) => meet.with({ key, gate })))).map(({ id }) => id);
    await until(async () => (await countOf(this.#transporter, "in_progress")) === meetings, limitMs);
    for (const key of keys) await this.#manager.wake(key);
    writeFileSync(gate, "");
    const jobs = await Promise.all(ids.map((id) => this.#manager.finished(id, { timeout: limitMs })));
    const back = jobs.filter(({ status, attemptsUsed }) => status === "processed" && attemptsUsed === 1).length;
    this.#ground.check(
      back === meetings,
      `${back} of ${meetings} wakes that came during the attempt were kept for its release`,
    );
  }
}
