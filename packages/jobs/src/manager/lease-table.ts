import type { JobId } from "../core/job.ts";

/**
 * Leases of running attempts in memory that the lease thread sees (L9): a row for each, written by the event loop without
 * a message, read by the thread whatever the loop is blocked by.
 *
 * A row's first cell is its turn: odd while it is written or free, and another one after each change of holder, so that
 * the thread never takes half of one attempt for another. Instants are µs of `process.hrtime`, the same in all threads.
 */
const rowCells = 7;
/** µs of the loop's last look; rows that were ever used. */
const headCells = 2;

export interface LeaseEntry {
  row: number;
  turn: bigint;
  id: JobId;
  fence: number;
  untilUs: number;
  version: number;
  /** `waiting`: claimed, and its handler not called yet. */
  progress: "waiting" | "begun" | "given-back";
  /** When an attempt that runs on the event loop is past its timeout and grace; undefined for isolated ones. */
  stuckAtUs: number | undefined;
}

/** The last cell: four times the row's turn, and which of these: so that a step is always the step of one attempt. */
const steps = ["waiting", "begun", "given-back"] as const;

/** µs of a clock that all threads of a process share. */
export function sharedNowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

export class LeaseTable {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;
  readonly #rowsMax: number;
  readonly #free: number[] = [];

  constructor(size: { rows: number } | { buffer: SharedArrayBuffer }) {
    this.buffer =
      "buffer" in size
        ? size.buffer
        : new SharedArrayBuffer((headCells + size.rows * rowCells) * BigInt64Array.BYTES_PER_ELEMENT);
    this.#cells = new BigInt64Array(this.buffer);
    this.#rowsMax = Math.floor((this.#cells.length - headCells) / rowCells);
  }

  /** The loop is alive. */
  beat(): void {
    this.#store(0, sharedNowUs());
  }

  get lastBeatUs(): number {
    return Number(Atomics.load(this.#cells, 0));
  }

  /** The row it got; undefined when the table is full: that lease is renewed by the event loop alone. */
  hold(entry: Omit<LeaseEntry, "row" | "turn" | "progress">): number | undefined {
    const row = this.#free.pop() ?? this.#newRow();
    if (row === undefined) return undefined;
    const at = this.#place(row);
    Atomics.store(this.#cells, at + 1, BigInt(entry.id));
    this.#store(at + 2, entry.fence);
    this.#store(at + 3, entry.untilUs);
    this.#store(at + 4, entry.stuckAtUs ?? 0);
    this.#store(at + 5, entry.version);
    // A new row's turn is 0, a free one's odd: both become the next even one.
    const turn = (Atomics.load(this.#cells, at) | 1n) + 1n;
    Atomics.store(this.#cells, at + 6, turn * 4n);
    Atomics.store(this.#cells, at, turn);
    return row;
  }

  /** For the event loop: its handler is called now. False: it was given back before. */
  begin(row: number): boolean {
    return this.#step(row, Atomics.load(this.#cells, this.#place(row)), 1n);
  }

  /** For the thread: nobody begins it any more. False: it has begun, or its row is another's. */
  giveBack({ row, turn }: Pick<LeaseEntry, "row" | "turn">): boolean {
    return this.#step(row, turn, 2n);
  }

  extend(row: number, untilUs: number): void {
    this.#store(this.#place(row) + 3, untilUs);
  }

  drop(row: number): void {
    const at = this.#place(row);
    Atomics.store(this.#cells, at, Atomics.load(this.#cells, at) + 1n);
    this.#free.push(row);
  }

  isHeld(row: number): boolean {
    return isWhole(Atomics.load(this.#cells, this.#place(row)));
  }

  /** Every attempt held, as the thread may act on it. */
  *entries(): Generator<LeaseEntry> {
    const used = Number(Atomics.load(this.#cells, 1));
    for (let row = 0; row < used; row += 1) {
      const at = this.#place(row);
      const turn = Atomics.load(this.#cells, at);
      if (!isWhole(turn)) continue;
      const [id, fence, untilUs, stuckAtUs, version, step = 0n] = [1, 2, 3, 4, 5, 6].map((cell) =>
        Atomics.load(this.#cells, at + cell),
      );
      if (Atomics.load(this.#cells, at) !== turn) continue;
      const stuck = Number(stuckAtUs);
      yield {
        row,
        turn,
        id: String(id),
        fence: Number(fence),
        version: Number(version),
        progress: steps[Number(step % 4n)] ?? "waiting",
        untilUs: Number(untilUs),
        stuckAtUs: stuck === 0 ? undefined : stuck,
      };
    }
  }

  #step(row: number, turn: bigint, to: bigint): boolean {
    const from = turn * 4n;
    return Atomics.compareExchange(this.#cells, this.#place(row) + 6, from, from + to) === from;
  }

  #newRow(): number | undefined {
    const row = Number(Atomics.load(this.#cells, 1));
    if (row >= this.#rowsMax) return undefined;
    this.#store(1, row + 1);
    return row;
  }

  #place(row: number): number {
    return headCells + row * rowCells;
  }

  #store(cell: number, value: number): void {
    Atomics.store(this.#cells, cell, BigInt(Math.round(value)));
  }
}

/** Of a row that is held, and not being written. */
function isWhole(turn: bigint): boolean {
  return turn % 2n === 0n && turn !== 0n;
}
