import type { ServerResponse } from "node:http";
import type { InstanceChange, Role, StreamMark, StreamTopic } from "@provost/contract";
import type { Ring } from "./ring.ts";

/** Changes in one message. */
export const messageMax = 1_000;

/**
 * One client of the stream. What waits for a slow one is one message: it takes up from the ring when it can take more; where the ring does not reach
 * back so far, or other news went by, it is told to begin anew.
 */
export class Watcher {
  readonly role: Role;
  readonly #response: ServerResponse;
  #next: number;
  #isFull = false;
  /** A topic's news went by while it was full. */
  #hasMissed = false;
  /** Its backlog is still being sent. */
  #isHeld = true;

  /** `next`: number in the ring that it goes on with. */
  constructor(response: ServerResponse, role: Role, next: number) {
    this.#response = response;
    this.role = role;
    this.#next = next;
    response.on("drain", () => (this.#isFull = false));
  }

  /** Its client went before it joined: no `close` will tell. */
  get isGone(): boolean {
    return this.#response.closed || this.#response.destroyed;
  }

  ready(mark: StreamMark): void {
    this.#send("ready", mark, mark.mark);
  }

  reset(mark: StreamMark): void {
    this.#hasMissed = false;
    this.#send("reset", mark, mark.mark);
  }

  /** What has come before it joined. */
  async backlog(changes: readonly InstanceChange[], mark: number): Promise<void> {
    this.#send("instance", changes, Math.min(changes.at(-1)?.seq ?? mark, mark));
    if (this.#isFull && !this.#response.destroyed) {
      await new Promise<void>((resolve) => this.#response.once("drain", resolve).once("close", resolve));
    }
  }

  /** From here on it hears what comes. */
  release(): void {
    this.#isHeld = false;
  }

  /** Sends what is new; `mark`: when all of the ring is sent. */
  flush(ring: Ring<InstanceChange>, mark: number): void {
    if (this.#isHeld || this.#isFull) return;
    if (this.#hasMissed || !ring.keeps(this.#next)) {
      this.#next = ring.end;
      this.reset({ mark, resumed: false });
    }
    if (this.#next === ring.end) return;
    const { items, mark: left } = ring.from(this.#next, messageMax);
    this.#next += items.length;
    this.#send("instance", items, left ?? mark);
  }

  tell(topic: StreamTopic, changes: readonly object[]): void {
    if (this.#isHeld || this.#isFull) this.#hasMissed = true;
    else this.#send(topic, changes);
  }

  heartbeat(): void {
    if (!this.#isFull) this.#response.write(": still here\n\n");
  }

  end(): void {
    this.#response.end();
  }

  #send(event: string, data: unknown, id?: number): void {
    const named = id === undefined ? "" : `id: ${id}\n`;
    this.#isFull = !this.#response.write(`event: ${event}\n${named}data: ${JSON.stringify(data)}\n\n`);
  }
}
