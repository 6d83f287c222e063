/**
 * Leases of held permits in memory that the lease thread sees (L9, L12): a row for each, made by the event loop without a
 * message, renewed by whichever of the two comes first. Tickets are UUIDs. Instants are µs of `sharedNowUs`.
 *
 * A row's first cell is its turn, as in `LeaseTable`: odd while it is written or free. Its last is the end of the lease, which both
 * sides move: the event loop of its own rows, the thread only from the end that it has seen.
 */
const rowCells = 4;
/** Rows that were ever used. */
const headCells = 1;
/** Permits of one scope and manager that the thread renews; the event loop alone renews those beyond. */
const rowsDefault = 4_096;
/** The end of a lease that the store has called lost. */
const lostUs = -1n;

export interface HeldTicket {
  row: number;
  turn: bigint;
  ticket: string;
  untilUs: number;
}

/** One row, for the event loop that holds it. */
export interface GuardedLease {
  /** The end of the lease as far as either side knows; undefined: the store calls it lost. */
  untilUs(): number | undefined;
  /** Renewed until then. */
  extend(untilUs: number): void;
  drop(): void;
}

export class PermitTable {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: BigInt64Array;
  readonly #rowsMax: number;
  readonly #free: number[] = [];

  constructor(size: { rows: number } | { buffer: SharedArrayBuffer } = { rows: rowsDefault }) {
    this.buffer =
      "buffer" in size
        ? size.buffer
        : new SharedArrayBuffer((headCells + size.rows * rowCells) * BigInt64Array.BYTES_PER_ELEMENT);
    this.#cells = new BigInt64Array(this.buffer);
    this.#rowsMax = Math.floor((this.#cells.length - headCells) / rowCells);
  }

  /** For the event loop. Undefined when the table is full. */
  hold(ticket: string, untilUs: number): GuardedLease | undefined {
    const row = this.#free.pop() ?? this.#newRow();
    if (row === undefined) return undefined;
    const at = place(row);
    const digits = ticket.replaceAll("-", "");
    Atomics.store(this.#cells, at + 1, BigInt.asIntN(64, BigInt(`0x${digits.slice(0, 16)}`)));
    Atomics.store(this.#cells, at + 2, BigInt.asIntN(64, BigInt(`0x${digits.slice(16)}`)));
    Atomics.store(this.#cells, at + 3, BigInt(Math.round(untilUs)));
    // A new row's turn is 0, a free one's odd: both become the next even one.
    Atomics.store(this.#cells, at, (Atomics.load(this.#cells, at) | 1n) + 1n);
    return {
      untilUs: () => this.#untilUs(row),
      extend: (toUs) => this.#extend(row, toUs),
      drop: () => this.#drop(row),
    };
  }

  #drop(row: number): void {
    Atomics.add(this.#cells, place(row), 1n);
    this.#free.push(row);
  }

  #untilUs(row: number): number | undefined {
    const until = Atomics.load(this.#cells, place(row) + 3);
    return until === lostUs ? undefined : Number(until);
  }

  #extend(row: number, untilUs: number): void {
    const at = place(row) + 3;
    const to = BigInt(Math.round(untilUs));
    for (let from = Atomics.load(this.#cells, at); from !== lostUs && from < to;) {
      const found = Atomics.compareExchange(this.#cells, at, from, to);
      if (found === from) return;
      from = found;
    }
  }

  /** For the thread: what the store said of a ticket it had seen; undefined: lost. What has changed meanwhile stays as it is. */
  answered({ row, turn, untilUs }: HeldTicket, toUs: number | undefined): void {
    if (Atomics.load(this.#cells, place(row)) !== turn) return;
    // A row that changes hands just now has another end: nobody else's lease ends in the same µs.
    const to = toUs === undefined ? lostUs : BigInt(Math.round(toUs));
    Atomics.compareExchange(this.#cells, place(row) + 3, BigInt(untilUs), to);
  }

  /** Every ticket held and not lost, as the thread may renew it. */
  *tickets(): Generator<HeldTicket> {
    const used = Number(Atomics.load(this.#cells, 0));
    for (let row = 0; row < used; row += 1) {
      const at = place(row);
      const turn = Atomics.load(this.#cells, at);
      if (turn === 0n || turn % 2n !== 0n) continue;
      const [high, low] = [Atomics.load(this.#cells, at + 1), Atomics.load(this.#cells, at + 2)];
      const until = Atomics.load(this.#cells, at + 3);
      if (until === lostUs || Atomics.load(this.#cells, at) !== turn) continue;
      yield { row, turn, ticket: uuid(high, low), untilUs: Number(until) };
    }
  }

  #newRow(): number | undefined {
    const row = Number(Atomics.load(this.#cells, 0));
    if (row >= this.#rowsMax) return undefined;
    Atomics.store(this.#cells, 0, BigInt(row + 1));
    return row;
  }
}

function place(row: number): number {
  return headCells + row * rowCells;
}

function uuid(high: bigint, low: bigint): string {
  const digits = [high, low].map((half) => BigInt.asUintN(64, half).toString(16).padStart(16, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
