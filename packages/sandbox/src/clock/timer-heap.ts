import type { Clock } from "./clock.ts";

/** Longest single sleep: `setTimeout` overflows past 2^31 ms, and a suspended laptop should notice soon. */
const SLEEP_MS_MAX = 60_000;
/** Items handed out in one go before the event loop gets a turn, so that a mass boot does not starve the API. */
const BATCH_MAX = 500;

interface Entry<Item> {
  dueMs: number;
  /** Breaks ties, so that what was scheduled first happens first. */
  order: number;
  item: Item;
}

/**
 * Everything that is to happen later, in one binary heap behind one timer of the clock: 100,000 instances in
 * transition cost an entry each and a single armed timer (C16).
 *
 * There is no cancel: an owner that changed its mind ignores the item when it comes.
 */
export class TimerHeap<Item> {
  readonly #clock: Clock;
  readonly #onDue: (item: Item, dueMs: number) => void;
  readonly #entries: Entry<Item>[] = [];
  #arrivals = 0;
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, onDue: (item: Item, dueMs: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Hands `item` to the owner at `dueMs` (epoch ms), or as soon as possible when that has passed. */
  schedule(dueMs: number, item: Item): void {
    if (this.#closed) return;
    this.#siftUp({ dueMs, order: this.#arrivals++, item });
    this.#arm();
  }

  /** Drops everything. Safe to call twice. */
  close(): void {
    this.#closed = true;
    this.#disarm?.();
    this.#disarm = undefined;
    this.#entries.length = 0;
  }

  #arm(): void {
    const next = this.#entries[0];
    if (next === undefined || next.dueMs >= this.#armedForMs) return;
    this.#disarm?.();
    this.#armedForMs = next.dueMs;
    const delayMs = Math.min(Math.max(0, next.dueMs - this.#clock.now()), SLEEP_MS_MAX);
    this.#disarm = this.#clock.after(delayMs, () => {
      this.#disarm = undefined;
      this.#drain();
      this.#armedForMs = Number.POSITIVE_INFINITY;
      this.#arm();
    });
  }

  /** What is scheduled meanwhile arms nothing: the end of the batch does. */
  #drain(): void {
    this.#armedForMs = Number.NEGATIVE_INFINITY;
    for (let handed = 0; handed < BATCH_MAX; handed++) {
      const next = this.#entries[0];
      if (next === undefined || next.dueMs > this.#clock.now()) return;
      this.#removeFirst();
      this.#onDue(next.item, next.dueMs);
    }
  }

  #siftUp(entry: Entry<Item>): void {
    let at = this.#entries.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#entries[parentAt];
      if (parent === undefined || !precedes(entry, parent)) break;
      this.#entries[at] = parent;
      at = parentAt;
    }
    this.#entries[at] = entry;
  }

  #removeFirst(): void {
    const last = this.#entries.pop();
    if (last === undefined || this.#entries.length === 0) return;
    let at = 0;
    for (;;) {
      const leftAt = 2 * at + 1;
      const left = this.#entries[leftAt];
      if (left === undefined) break;
      const right = this.#entries[leftAt + 1];
      const [child, childAt] = right !== undefined && precedes(right, left) ? [right, leftAt + 1] : [left, leftAt];
      if (precedes(last, child)) break;
      this.#entries[at] = child;
      at = childAt;
    }
    this.#entries[at] = last;
  }
}

function precedes(one: Entry<unknown>, other: Entry<unknown>): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}
