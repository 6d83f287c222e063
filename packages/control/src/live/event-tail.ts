/** What a tail reads from; `seq` is given out by the store, in order, before its transaction commits. */
export interface TailSource<T extends { seq: number }> {
  lastSeq(): Promise<number>;
  /** Ascending by `seq`. */
  after(seq: number, limit: number): Promise<T[]>;
  /** Those of these that are there by now. */
  these(seqs: readonly number[]): Promise<T[]>;
}

/** Longer than any write transaction lives: what is still missing then was rolled back. */
const gapMs = 30_000;
/** How far before its beginning a tail looks for what is still being committed, and how many gaps it keeps at most (L14). */
const overlap = 1_000;
const gapsMax = 10_000;
const batch = 500;

/**
 * Follows a sequence in which what was numbered first may be committed last, as it is on PostgreSQL with several writers: 12 is there, and 11
 * comes after it. Numbers that are missing are looked for again until they are there or have been missing for so long that they never will be;
 * `mark` is the number up to which nothing is missing. Whoever goes on from a mark misses nothing, on whatever server; what came early may come
 * to it twice. Where writers take turns (SQLite) nothing is ever missing, and the mark is the last number.
 */
export class EventTail<T extends { seq: number }> {
  readonly #source: TailSource<T>;
  readonly #now: () => number;
  /** By number, ascending; since when it is missing. */
  readonly #gaps = new Map<number, number>();
  #last = 0;

  constructor(source: TailSource<T>, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#now = now;
  }

  /** The greatest number seen. */
  get last(): number {
    return this.#last;
  }

  /** Up to here nothing is missing. */
  get mark(): number {
    const [first] = this.#gaps.keys();
    return first === undefined ? this.#last : first - 1;
  }

  /** Begins at the end. */
  async start(): Promise<void> {
    this.#gaps.clear();
    const last = await this.#source.lastSeq();
    this.#last = Math.max(last - overlap, 0);
    // What is there is known; what is missing may be under way.
    for (let read = -1; read !== 0 && this.#last < last;)
      read = this.#noted(await this.#source.after(this.#last, batch));
  }

  /** What has come since, at most some hundreds: read again until it is none. */
  async read(): Promise<T[]> {
    const late = await this.#late();
    const fresh = await this.#source.after(this.#last, batch);
    this.#noted(fresh);
    const before = this.#now() - gapMs;
    for (const [seq, since] of this.#gaps) if (since <= before) this.#gaps.delete(seq);
    return [...late, ...fresh];
  }

  async #late(): Promise<T[]> {
    if (this.#gaps.size === 0) return [];
    const found: T[] = [];
    const gaps = [...this.#gaps.keys()];
    for (let from = 0; from < gaps.length; from += batch) {
      found.push(...(await this.#source.these(gaps.slice(from, from + batch))));
    }
    for (const { seq } of found) this.#gaps.delete(seq);
    return found;
  }

  #noted(events: readonly T[]): number {
    const now = this.#now();
    for (const { seq } of events) {
      for (let gap = Math.max(this.#last + 1, seq - gapsMax); gap < seq; gap += 1) this.#gaps.set(gap, now);
      this.#last = seq;
    }
    for (const [oldest] of this.#gaps) {
      if (this.#gaps.size <= gapsMax) break;
      this.#gaps.delete(oldest);
    }
    return events.length;
  }
}
