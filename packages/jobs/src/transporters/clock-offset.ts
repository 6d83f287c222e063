/** The offset that tests give a store's clock, seen by every thread that works for the store. */
export class ClockOffset {
  readonly #cell: BigInt64Array;

  /** `buffer`: of another thread's, as cloning hands it over. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#cell = new BigInt64Array(buffer);
  }

  get buffer(): SharedArrayBuffer {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made on a shared one, above
    return this.#cell.buffer as SharedArrayBuffer;
  }

  get ms(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  set ms(offsetMs: number) {
    Atomics.store(this.#cell, 0, BigInt(Math.trunc(offsetMs)));
  }
}
