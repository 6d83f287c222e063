import { limits } from "../core/limits.ts";

/**
 * Semaphores by name in memory that the threads of a manager share (L12): `SharedArrayBuffer` and `Atomics`, no message
 * needed to take or give a permit.
 *
 * - Everything is done under one lock, for a few µs. Who finds it taken for longer comes back in a later turn of its loop, so
 *   that the manager can hear of the death of the thread that has it and take it over (`abandon`).
 * - Each thread has a seat. Permits and waiting are counted by seat, and nothing else says who holds: what a dead thread held is
 *   freed by clearing its seat, at whatever instruction it was ended.
 * - A slot is in use while a seat holds or waits in it; others are given to new names.
 * - First come, first served by `Atomics.notify`, which wakes in the order of waiting; who comes while others wait, waits too.
 */
export type Taken =
  | { state: "held"; fence: number }
  /** `wake` changes value when it is worth to come again. */
  | { state: "waiting"; word: number; value: number }
  | { state: "taken" }
  | { state: "mismatch"; permits: number }
  /** `limits.managerSemaphoresMax` are in use. */
  | { state: "full" };

const slotsMax = limits.managerSemaphoresMax;
const seatsMax = 64;
const nameWords = Math.ceil(limits.keyBytesMax / 4);
/** Of a slot, in words: permits, wake, bytes of the name, the name, then held and waiting of each seat. */
const at = {
  permits: 0,
  wake: 1,
  nameBytes: 2,
  name: 3,
  held: 3 + nameWords,
  waiting: 3 + nameWords + seatsMax,
} as const;
const slotWords = at.waiting + seatsMax;
/** Of the header: the lock is 0, or the owner's seat + 1. The last fence takes two words. */
const lockWord = 0;
const fenceWord = 2;
const headWords = 16;
const hashesWord = headWords;
const slotsWord = headWords + slotsMax;

const lockTries = 20;
const lockWaitMs = 0.1;

export class NamedTable {
  readonly buffer: SharedArrayBuffer;
  readonly #seat: number;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #hashes: Int32Array<SharedArrayBuffer>;
  readonly #fence: BigInt64Array<SharedArrayBuffer>;
  #hand = 0;

  /** Memory for a table; the system hands it out only as it is used. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer((slotsWord + slotsMax * slotWords) * 4);
  }

  /** @param seat 0 is the manager's, who gives the others, below `seats`, to its threads. */
  constructor(buffer: SharedArrayBuffer, seat: number) {
    this.buffer = buffer;
    this.#seat = seat;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#hashes = this.#words.subarray(hashesWord, hashesWord + slotsMax);
    this.#fence = new BigInt64Array(buffer, fenceWord * 4, 1);
  }

  static readonly seats = seatsMax;

  /** Takes a permit if it is this seat's turn. `waits`: the seat stands in the line already; `wait`: it does from now on. */
  take(name: string, permits: number, { wait, waits }: { wait: boolean; waits: boolean }): Promise<Taken> {
    return this.#locked(() => {
      const slot = this.#slotFor(name, permits);
      if (slot === undefined) return { state: "full" };
      const others = this.#words[slot + at.permits] ?? 0;
      if (others !== permits) return { state: "mismatch", permits: others };
      const isFree = this.#sum(slot + at.held) < permits;
      const mine = slot + at.waiting + this.#seat;
      if (isFree && (waits || this.#sum(slot + at.waiting) === 0)) {
        Atomics.add(this.#words, slot + at.held + this.#seat, 1);
        if (waits) Atomics.sub(this.#words, mine, 1);
        return { state: "held", fence: Number(Atomics.add(this.#fence, 0, 1n) + 1n) };
      }
      if (!wait) return { state: "taken" };
      if (!waits) Atomics.add(this.#words, mine, 1);
      const word = slot + at.wake;
      return { state: "waiting", word, value: Atomics.load(this.#words, word) };
    });
  }

  /** Gives a permit back. */
  give(name: string): Promise<void> {
    return this.#leave(name, at.held, 1);
  }

  /** Leaves the line. All who wait look: the wake that this one may have got was for another. */
  giveUp(name: string): Promise<void> {
    return this.#leave(name, at.waiting, Number.POSITIVE_INFINITY);
  }

  /** Resolves when it is worth to take again, and after `ms`: a wake can be lost with a thread that died of it. */
  async changed({ word, value }: { word: number; value: number }, ms: number): Promise<void> {
    // A promise of `waitAsync` alone does not keep an event loop alive.
    const alive = setInterval(() => undefined, 60_000);
    try {
      await Atomics.waitAsync(this.#words, word, value, ms).value;
    } finally {
      clearInterval(alive);
    }
  }

  /** The manager's: the thread of that seat is gone, and with it what it held. */
  async abandon(seat: number): Promise<void> {
    // It may have died with the lock in its hand: all words are right at any instruction, the lock just changes hands.
    const inherited = Atomics.compareExchange(this.#words, lockWord, seat + 1, this.#seat + 1) === seat + 1;
    if (inherited) this.#unlockAfter(() => this.#clear(seat));
    else await this.#locked(() => this.#clear(seat));
  }

  #clear(seat: number): void {
    for (let slot = slotsWord; slot < slotsWord + slotsMax * slotWords; slot += slotWords) {
      const held = Atomics.exchange(this.#words, slot + at.held + seat, 0);
      const waiting = Atomics.exchange(this.#words, slot + at.waiting + seat, 0);
      if (held + waiting > 0) this.#notify(slot, Number.POSITIVE_INFINITY);
    }
  }

  #leave(name: string, counters: number, wakes: number): Promise<void> {
    return this.#locked(() => {
      const slot = this.#find(name, hashOf(name));
      if (slot === undefined) return;
      Atomics.sub(this.#words, slot + counters + this.#seat, 1);
      this.#notify(slot, wakes);
    });
  }

  #notify(slot: number, wakes: number): void {
    Atomics.add(this.#words, slot + at.wake, 1);
    Atomics.notify(this.#words, slot + at.wake, wakes);
  }

  #find(name: string, hash: number): number | undefined {
    for (let index = this.#hashes.indexOf(hash); index !== -1; index = this.#hashes.indexOf(hash, index + 1)) {
      const slot = slotsWord + index * slotWords;
      if (this.#nameAt(slot) === name) return slot;
    }
    return undefined;
  }

  #slotFor(name: string, permits: number): number | undefined {
    const hash = hashOf(name);
    const found = this.#find(name, hash);
    if (found !== undefined) {
      if (!this.#inUse(found)) this.#words[found + at.permits] = permits;
      return found;
    }
    for (let tries = 0; tries < slotsMax; tries += 1) {
      this.#hand = (this.#hand + 1) % slotsMax;
      const slot = slotsWord + this.#hand * slotWords;
      if (this.#inUse(slot)) continue;
      // The hash last: a thread that dies here leaves a slot that no name finds.
      this.#hashes[this.#hand] = 0;
      const name8 = Buffer.from(name, "utf8");
      this.#bytes.set(name8, (slot + at.name) * 4);
      this.#words[slot + at.nameBytes] = name8.length;
      this.#words[slot + at.permits] = permits;
      this.#hashes[this.#hand] = hash;
      return slot;
    }
    return undefined;
  }

  #nameAt(slot: number): string {
    const from = (slot + at.name) * 4;
    return Buffer.from(this.#bytes.slice(from, from + (this.#words[slot + at.nameBytes] ?? 0))).toString("utf8");
  }

  #inUse(slot: number): boolean {
    return this.#sum(slot + at.held) + this.#sum(slot + at.waiting) > 0;
  }

  #sum(from: number): number {
    let sum = 0;
    for (let word = from; word < from + seatsMax; word += 1) sum += this.#words[word] ?? 0;
    return sum;
  }

  async #locked<T>(act: () => T): Promise<T> {
    while (!this.#tryLock()) await new Promise((resolve) => setImmediate(resolve));
    return this.#unlockAfter(act);
  }

  #unlockAfter<T>(act: () => T): T {
    try {
      return act();
    } finally {
      Atomics.store(this.#words, lockWord, 0);
      Atomics.notify(this.#words, lockWord, 1);
    }
  }

  /** False when it is not to be had within some 2 ms. */
  #tryLock(): boolean {
    for (let tries = 0; tries < lockTries; tries += 1) {
      const owner = Atomics.compareExchange(this.#words, lockWord, 0, this.#seat + 1);
      if (owner === 0) return true;
      Atomics.wait(this.#words, lockWord, owner, lockWaitMs);
    }
    return false;
  }
}

/** FNV-1a over the UTF-16 units; never 0, which stands for a slot without a name. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return hash === 0 ? 1 : hash;
}
