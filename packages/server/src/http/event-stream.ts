import type { ServerResponse } from "node:http";
import { once } from "node:events";
import { ProvostError } from "@provost/contract";
import type { FastifyReply, FastifyRequest } from "fastify";

/** How the streams behave; tests shorten the times. */
export interface StreamTimes {
  /** A comment line goes out this often, so that proxies and clients see that the line is alive. */
  heartbeatMs: number;
  /** A look at the store this often: it shows what other servers on the same store have written. */
  pollMs: number;
  /** The same for the stream of everything, whose look is one for all its clients. */
  hubPollMs: number;
  /** Between two messages of the same name to one client. */
  flushMs: number;
  /** How often it is looked whether its clients may still be told. */
  accessMs: number;
}

export const streamTimes: StreamTimes = {
  heartbeatMs: 15_000,
  pollMs: 2_000,
  hubPollMs: 1_000,
  flushMs: 150,
  accessMs: 5_000,
};
export const streamsMax = 500;

/** Takes the response over: from here on nothing can be refused with problem+json any more. */
export function openEventStream(request: FastifyRequest, reply: FastifyReply): ServerResponse {
  void reply.hijack();
  reply.raw.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-request-id": request.id,
  });
  return reply.raw;
}

/** Where a lost connection ended. Throws `invalid_request`. */
export function lastEventId(request: FastifyRequest): number | undefined {
  const header = request.headers["last-event-id"];
  if (header === undefined || header === "") return undefined;
  if (typeof header === "string" && /^\d{1,15}$/.test(header)) return Number(header);
  throw new ProvostError(
    "invalid_request",
    `Last-Event-ID is ${JSON.stringify(header)}: give the id of an event, a number.`,
    {
      field: "Last-Event-ID",
    },
  );
}

interface Sequenced {
  seq: number;
}

/**
 * One client's live events, by server-sent events. The store is the only source: a hint (a change in this process, the
 * poll) makes it read on from the last `seq` sent, so that nothing is lost or doubled, whoever wrote it.
 *
 * waiting --hint--> reading --events--> writing --drained--> reading … --none left--> waiting; `close` ends any of them.
 */
export class EventStream<T extends Sequenced> {
  readonly #response: ServerResponse;
  readonly #read: (after: number) => Promise<T[]>;
  readonly #stop = new AbortController();
  #last: number;
  #hinted = true;
  #wake: () => void = () => {};

  constructor(response: ServerResponse, read: (after: number) => Promise<T[]>, after: number) {
    this.#response = response;
    this.#read = read;
    this.#last = after;
  }

  /** There may be something new. */
  hint(): void {
    this.#hinted = true;
    this.#wake();
  }

  close(): void {
    this.#stop.abort();
    this.#wake();
  }

  /** Runs until the client goes or `close` is called. Rejects when the store cannot be read: the client comes back with its last id. */
  async run(times: Pick<StreamTimes, "heartbeatMs" | "pollMs">): Promise<void> {
    this.#response.once("close", () => this.close());
    const heartbeat = setInterval(() => this.#response.write(": still here\n\n"), times.heartbeatMs);
    const poll = setInterval(() => this.hint(), times.pollMs);
    try {
      this.#response.write("retry: 1000\n\n");
      while (!this.#stop.signal.aborted) {
        await this.#hint();
        await this.#drain();
      }
    } finally {
      clearInterval(heartbeat);
      clearInterval(poll);
      this.#response.end();
    }
  }

  async #hint(): Promise<void> {
    while (!this.#hinted && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#hinted = false;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const events = await this.#read(this.#last);
      for (const event of events) {
        if (this.#stop.signal.aborted) return;
        if (event.seq <= this.#last) continue;
        this.#last = event.seq;
        await this.#write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
      }
      if (events.length === 0 || this.#stop.signal.aborted) return;
    }
  }

  /** A slow client slows its own stream only; what waits for it is one event. */
  async #write(text: string): Promise<void> {
    if (this.#response.write(text)) return;
    await once(this.#response, "drain", { signal: this.#stop.signal }).catch(() => {});
  }
}
