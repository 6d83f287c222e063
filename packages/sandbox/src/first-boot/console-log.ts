const LINES_MAX = 20;
const INSTANCES_MAX = 10_000;

/**
 * What a pretend guest's console shows: only what is out of the ordinary (a refused address, a callback that failed or
 * was told to stop), so that a fleet that behaves costs nothing. The oldest of too many are forgotten.
 */
export class ConsoleLog {
  readonly #lines = new Map<number, string[]>();

  write(instanceId: number, line: string): void {
    let lines = this.#lines.get(instanceId);
    if (lines === undefined) {
      lines = [];
      this.#lines.set(instanceId, lines);
      if (this.#lines.size > INSTANCES_MAX) {
        const oldest = this.#lines.keys().next();
        if (!oldest.done) this.#lines.delete(oldest.value);
      }
    }
    lines.push(line);
    if (lines.length > LINES_MAX) lines.shift();
  }

  read(instanceId: number): readonly string[] {
    return this.#lines.get(instanceId) ?? [];
  }

  forget(instanceId: number): void {
    this.#lines.delete(instanceId);
  }
}
