import type { Lane } from "../core/job.ts";
import type { Attempt } from "./attempt.ts";
import type { Line } from "./line.ts";
import type { LineShares } from "./line-shares.ts";
import type { Runner } from "./runner.ts";

export interface DeskOptions {
  lines: readonly Line[];
  shares: LineShares;
  runner: Pick<Runner, "freeSlots" | "begin" | "giveBack">;
  leaseMs: number;
  /** How long a claim ahead may wait, from the call that got it. */
  keptMs: number;
}

/** The claims of one lane that wait for a slot, and how they get one: what is directed first (L5), then by weight (L16) and L1. */
export class Desk {
  readonly #options: DeskOptions;
  /** Directed jobs go ahead of all others of the lane, whatever their queue. */
  #directed: Attempt[] = [];
  readonly lane: Lane;

  constructor(lane: Lane, options: DeskOptions) {
    this.lane = lane;
    this.#options = options;
  }

  get lines(): readonly Line[] {
    return this.#options.lines;
  }

  get isEmpty(): boolean {
    return this.#directed.length === 0 && this.lines.every(({ waiting }) => waiting === 0);
  }

  add(attempt: Attempt, line: Line): void {
    if (attempt.claimed.directed === true) this.#directed.push(attempt);
    else line.add(attempt);
  }

  /** Begins what waits, in free slots, in `slots` of them at most. */
  serve(slots: number, now: number): void {
    const { runner } = this.#options;
    let free = Math.min(slots, runner.freeSlots(this.lane));
    for (; free > 0 && this.#directed.length > 0; free -= 1) this.#begin(this.#directed.shift(), now);
    if (free <= 0) return;
    const waiting = this.lines.filter((line) => line.waiting > 0);
    const [only] = waiting;
    if (only === undefined) return;
    if (waiting.length === 1) {
      this.serveLine(only, free, now);
      return;
    }
    const parts = this.#options.shares.deal(
      waiting.map(({ served }) => served),
      waiting.map((line) => line.waiting),
      free,
    );
    for (const [index, line] of waiting.entries()) this.serveLine(line, parts[index] ?? 0, now);
  }

  /** @returns how many have begun, or were too old to. */
  serveLine(line: Line, slots: number, now: number): number {
    let begun = 0;
    for (; begun < slots; begun += 1) {
      const attempt = line.next();
      if (attempt === undefined) return begun;
      this.#begin(attempt, now);
    }
    return begun;
  }

  /** What has waited too long goes back: its slots are held by long jobs now, and others may have free ones (L9). */
  giveBackOld(now: number): void {
    const { runner, leaseMs, keptMs } = this.#options;
    const isOld = ({ leaseUntil }: Attempt): boolean => leaseUntil - leaseMs + keptMs <= now;
    for (const attempt of this.#directed) if (isOld(attempt)) runner.giveBack(attempt);
    this.#directed = this.#directed.filter(({ isWaiting }) => isWaiting);
    for (const line of this.lines) {
      for (const attempt of line.drain()) {
        if (isOld(attempt)) runner.giveBack(attempt);
        else if (attempt.isWaiting) line.add(attempt);
      }
    }
  }

  /** All that waits of this queue goes back, at no cost (L4). */
  giveBack(queue: string): void {
    const { runner } = this.#options;
    for (const line of this.lines)
      if (line.served.queue === queue) for (const attempt of line.drain()) runner.giveBack(attempt);
  }

  #begin(attempt: Attempt | undefined, now: number): void {
    const { runner, leaseMs } = this.#options;
    if (attempt?.isWaiting !== true) return;
    // The loop was blocked: with half a lease gone it is better off elsewhere (L3).
    if (attempt.leaseUntil - now < leaseMs / 2) runner.giveBack(attempt);
    else runner.begin(attempt, now);
  }
}
