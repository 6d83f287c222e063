import { JobsError } from "../../core/errors.ts";
import type { Enqueued, NewItem } from "../transporter.ts";

/** Statements under way at once: with a third, 50 producers got smaller batches and no more of them. */
const openMax = 2;
/** Jobs in one statement: past this a statement's own cost is nothing beside its rows'. */
const jobsMax = 1_000;

interface Waiting {
  items: NewItem[];
  resolve: (added: Enqueued[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Enqueues that come while others are under way go together in the next statement: as durable when they resolve, and 20 times as
 * many (FACTS.md), because commits are what they wait for. One that comes alone waits for nothing.
 *
 * One caller's refusal is not another's: when the store refuses a statement, which then has added nothing, each call
 * is sent by itself.
 */
export class Gatherer {
  readonly #send: (items: NewItem[]) => Promise<Enqueued[]>;
  readonly #waiting: Waiting[] = [];
  #open = 0;

  constructor(send: (items: NewItem[]) => Promise<Enqueued[]>) {
    this.#send = send;
  }

  enqueue(items: NewItem[]): Promise<Enqueued[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#open >= openMax || this.#waiting.length === 0) return;
    let count = 0;
    let jobs = 0;
    while (count < this.#waiting.length) {
      jobs += jobsOf(this.#waiting[count]?.items ?? []);
      if (count > 0 && jobs > jobsMax) break;
      count += 1;
    }
    this.#open += 1;
    void this.#sendAll(this.#waiting.splice(0, count)).finally(() => {
      this.#open -= 1;
      this.#next();
    });
  }

  async #sendAll(calls: Waiting[]): Promise<void> {
    try {
      const added = await this.#send(calls.flatMap(({ items }) => items));
      let from = 0;
      for (const { items, resolve } of calls) resolve(added.slice(from, (from += items.length)));
    } catch (error) {
      if (calls.length === 1 || isUnavailable(error)) for (const { reject } of calls) reject(error);
      else for (const call of calls) await this.#sendAll([call]);
    }
  }
}

function jobsOf(items: readonly NewItem[]): number {
  return items.reduce((sum, item) => sum + ("job" in item ? 1 : item.flow.jobs.length), 0);
}

/** Whether it was added is not known then: sent again it might be there twice. */
function isUnavailable(error: unknown): boolean {
  return !(error instanceof JobsError) || error.code === "store_unavailable" || error.code === "store_stopped";
}
