import { failureOf } from "../core/failure.ts";
import type { Clock } from "./clock.ts";
import type { Log, ServiceName } from "./events.ts";

export interface PulseOptions {
  service: ServiceName;
  clock: Clock;
  random: () => number;
  log: Log;
  /** One round of work; resolves with the ms to the next one. */
  beat: () => Promise<number>;
}

const errorBackoffFirstMs = 100;
const errorBackoffMaxMs = 5_000;

/**
 * The rhythm of a service: one beat at a time, at its own pace, sooner when woken, slower while the store fails.
 *
 * States: stopped → idle (timer) ⇄ beating. A wake during a beat is kept for another right behind it; a wake while backing
 * off is not heeded, so that a store in trouble is not met with hints turned into calls.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #state: "stopped" | "idle" | "beating" = "stopped";
  #cancelTimer: (() => void) | undefined;
  #dueAt = Infinity;
  #again = false;
  #errors = 0;
  /** Which start a beat belongs to: one that hung through a stop must not touch what was started after it. */
  #started = 0;
  #immediate: NodeJS.Immediate | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#state !== "stopped") return;
    this.#state = "idle";
    this.#started += 1;
    this.wake();
  }

  /** Ends the rhythm; resolves when the beat under way has ended. */
  async stop(): Promise<void> {
    this.#disarm();
    this.#state = "stopped";
    await this.#beating;
  }

  /** Beats as soon as the current turn of the event loop is over: what wakes together beats once. */
  wake(): void {
    if (this.#state === "beating") this.#again = true;
    if (this.#state !== "idle" || this.#errors > 0 || this.#immediate !== undefined) return;
    this.#immediate = setImmediate(() => this.#beat());
  }

  /** Beats in `ms` at the latest. */
  wakeIn(ms: number): void {
    if (ms <= 0) this.wake();
    else if (this.#state === "idle" && this.#errors === 0 && this.#options.clock.now() + ms < this.#dueAt)
      this.#arm(ms);
    else if (this.#state === "beating") this.#again = true;
  }

  #beat(): void {
    this.#disarm();
    if (this.#state !== "idle") return;
    this.#state = "beating";
    this.#again = false;
    this.#beating = this.#run();
  }

  async #run(): Promise<void> {
    const started = this.#started;
    let nextMs: number;
    try {
      nextMs = await this.#options.beat();
      this.#errors = 0;
    } catch (thrown) {
      this.#errors += 1;
      nextMs = this.#backoffMs();
      this.#options.log({
        event: "service.error",
        service: this.#options.service,
        failure: failureOf(thrown, "store_unavailable"),
        retryInMs: nextMs,
      });
    }
    if (this.#state !== "beating" || this.#started !== started) return;
    this.#state = "idle";
    if (this.#errors === 0 && (this.#again || nextMs <= 0)) this.wake();
    else this.#arm(nextMs);
  }

  #backoffMs(): number {
    const full = Math.min(errorBackoffMaxMs, errorBackoffFirstMs * 2 ** Math.min(this.#errors - 1, 10));
    return Math.ceil(full / 2 + (this.#options.random() * full) / 2);
  }

  #arm(ms: number): void {
    const { clock } = this.#options;
    this.#cancelTimer?.();
    this.#dueAt = clock.now() + ms;
    this.#cancelTimer = clock.after(ms, () => this.#beat());
  }

  #disarm(): void {
    this.#cancelTimer?.();
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#cancelTimer = undefined;
    this.#immediate = undefined;
    this.#dueAt = Infinity;
  }
}
