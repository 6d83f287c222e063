/** At most `max` calls at a time; the others wait in line (C11). The line is as long as the job manager has slots, no longer. */
export class Limiter {
  readonly #max: number;
  #running = 0;
  readonly #line: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get running(): number {
    return this.#running;
  }

  async run<T>(fn: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max) {
      await new Promise<void>((resolve) => {
        this.#line.push(resolve);
      });
    } else {
      this.#running += 1;
    }
    try {
      return await fn();
    } finally {
      // The place is handed on, not freed: nobody overtakes the line.
      const next = this.#line.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
