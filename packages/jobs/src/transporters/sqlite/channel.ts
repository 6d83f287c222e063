import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { JobsError } from "../../core/errors.ts";
import { Coalesced } from "./coalesced.ts";
import { fromWire } from "./errors.ts";
import type {
  FromThread,
  Listening,
  OperationName,
  Operations,
  Reply,
  Request,
  ThreadData,
  ToThread,
} from "./protocol.ts";

/** In a checkout the thread runs from TypeScript, in an installed package from what was built. */
const threadUrl = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);

/** What a thread handles lives for one batch: a small young generation holds it, where V8's own choice grows by tens of MB. */
const resourceLimits = { maxYoungGenerationSizeMb: 6 } as const;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export interface ChannelEvents {
  onReady(queues: string[]): void;
  onExpired(tx: number): void;
}

/**
 * The event loop's end of a thread. Operations called in one turn of the loop travel in one message: cloning and waking
 * cost more than most operations do.
 */
export class ThreadChannel {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #events: ChannelEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #coalesced = new Coalesced();
  readonly #exited: Promise<unknown>;
  readonly #outbox: Request[] = [];
  #nextId = 1;
  #dead: JobsError | undefined;

  private constructor(worker: Worker, path: string, events: ChannelEvents) {
    this.#worker = worker;
    this.#path = path;
    this.#events = events;
    this.#exited = new Promise((resolve) => {
      worker.once("exit", resolve);
    });
  }

  /** Resolves when the thread has its connection open; rejects with the reason why it cannot. */
  static async open(data: ThreadData, events: ChannelEvents): Promise<ThreadChannel> {
    // No flags of the program: its loaders and conditions are not this thread's business.
    const name = `provost-jobs-${data.role}`;
    const worker = new Worker(threadUrl, { workerData: data, execArgv: [], name, resourceLimits });
    const channel = new ThreadChannel(worker, data.path, events);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own thread speaks `protocol.ts`
    const [message] = (await once(worker, "message")) as [FromThread];
    if ("refused" in message) {
      await channel.#exited;
      throw fromWire(message.refused);
    }
    worker.on("message", (next: FromThread) => channel.#receive(next));
    worker.on("error", (error) => channel.#die(error.message));
    worker.once("exit", () => channel.#die("its thread has ended"));
    return channel;
  }

  request<K extends OperationName>(
    op: K,
    args: Operations[K]["args"],
    clockOffsetMs: number,
    tx?: number,
  ): Promise<Operations[K]["result"]> {
    if (this.#dead !== undefined) return Promise.reject(this.#dead);
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      // Both ends are typed by `Operations`: what is sent is a Request, and the reply to `op` of its result type.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-assertion
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // The tick comes after all promise callbacks that are due: producers that were answered together send together.
      if (this.#outbox.length === 0) process.nextTick(() => this.#flush());
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      this.#outbox.push({ id, op, args, clockOffsetMs, ...(tx === undefined ? {} : { tx }) } as Request);
    });
  }

  listen(listen: Listening): void {
    this.#post({ listen });
  }

  /** Lets what was asked finish, closes the connection and ends the thread. */
  async close(): Promise<void> {
    this.#flush();
    this.#dead ??= new JobsError("store_stopped", `the store ${this.#path} was stopped: start() it again`);
    this.#post({ close: true });
    await this.#exited;
  }

  #flush(): void {
    if (this.#outbox.length === 0) return;
    this.#send(this.#coalesced.join(this.#outbox.splice(0)));
  }

  #send(requests: Request[]): void {
    try {
      this.#post({ requests });
    } catch (error) {
      // Something that cannot be cloned (a function among the parameters): of these none was sent.
      const reason = error instanceof Error ? error.message : String(error);
      for (const { id } of requests)
        this.#receiveOne({ id, error: { code: "invalid_input", message: `not sent to the store: ${reason}` } });
    }
  }

  #post(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(message);
  }

  #receive(message: FromThread): void {
    if ("replies" in message) {
      for (const reply of message.replies) this.#receiveOne(reply);
      if (message.ready.length > 0) this.#events.onReady(message.ready);
    } else if ("expired" in message) {
      this.#events.onExpired(message.expired);
    }
  }

  #receiveOne(reply: Reply): void {
    const { replies, alone } = this.#coalesced.split(reply);
    for (const each of replies) this.#settle(each);
    if (alone.length > 0) this.#send(alone);
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.reject(fromWire(reply.error));
    else pending?.resolve(reply.value);
  }

  #die(reason: string): void {
    this.#dead ??= new JobsError(
      "store_unavailable",
      `the store ${this.#path} has lost its thread (${reason}): stop() and start() it`,
    );
    for (const pending of this.#pending.values()) pending.reject(this.#dead);
    this.#pending.clear();
  }
}
