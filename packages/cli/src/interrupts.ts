import type { EventEmitter } from "node:events";
import { constants } from "node:os";

/**
 * Ctrl-C and its kin. The first ends what runs in good order (`signal`), a second one ends the process at once.
 *
 * One press of Ctrl-C can arrive several times: from the terminal to the whole process group, and again from npm and from
 * `bin/provost.mjs`, which pass on what they got. What comes within `onePressMs` is one press.
 */
export class Interrupts {
  static readonly onePressMs = 300;
  readonly #controller = new AbortController();
  #pressedAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;
  readonly #exit: (code: number) => void;

  constructor(
    process: EventEmitter & { channel?: { unref(): void } | undefined },
    now: () => number = () => performance.now(),
    exit: (code: number) => void = (code) => globalThis.process.exit(code),
  ) {
    this.#now = now;
    this.#exit = exit;
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => this.arrive(name));
    // The starter is gone without a word (`kill -9`): what would be an orphan ends too.
    process.once("disconnect", () => this.arrive("SIGHUP"));
    process.channel?.unref();
  }

  /** Aborts at the first interrupt; the reason is the name of the signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  arrive(name: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    const now = this.#now();
    if (now - this.#pressedAt < Interrupts.onePressMs) return;
    this.#pressedAt = now;
    if (!this.#controller.signal.aborted) this.#controller.abort(name);
    else this.#exit(128 + constants.signals[name]);
  }
}
