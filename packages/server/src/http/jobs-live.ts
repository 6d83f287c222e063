import type { ServerResponse } from "node:http";
import type { JobHints, JobsOverview } from "@provost/contract";
import type { JobDoor } from "@provost/control";
import type { StreamTimes } from "./event-stream.ts";

const idsMax = 500;
const namesMax = 100;
/** Waits grow by themselves: they are told again when they have grown by so much. */
const waitStepMs = 10_000;

interface Client {
  response: ServerResponse;
  allowed: () => Promise<void>;
  /** It had not taken what it was sent before, and has missed an overview since. */
  behind: boolean;
}

/**
 * The jobs' overview for all who watch: looked at once for all of them, while there are any, and sent when it has changed. A client that
 * does not take what it was sent misses what comes meanwhile, and gets the latest when it has.
 *
 * idle --first client--> looking every `pollMs` --last one gone--> idle
 */
export class JobsLive {
  readonly #jobs: Pick<JobDoor, "overview" | "subscribe">;
  readonly #times: Pick<StreamTimes, "heartbeatMs" | "pollMs">;
  readonly #clients = new Set<Client>();
  /** The last message with an overview. */
  #latest: string | undefined;
  #told = "";
  #looking = false;
  #timers: NodeJS.Timeout[] = [];
  #unsubscribe: (() => void) | undefined;
  #ids = new Set<string>();
  #names = new Set<string>();
  #more = false;

  constructor(jobs: Pick<JobDoor, "overview" | "subscribe">, times: Pick<StreamTimes, "heartbeatMs" | "pollMs">) {
    this.#jobs = jobs;
    this.#times = times;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Resolves when the client has gone, or may see no more. */
  async follow(response: ServerResponse, allowed: () => Promise<void>): Promise<void> {
    const client = { response, allowed, behind: false };
    const gone = new Promise<void>((resolve) => response.once("close", resolve));
    response.write("retry: 1000\n\n");
    this.#clients.add(client);
    if (this.#clients.size === 1) this.#start();
    else if (this.#latest !== undefined) client.behind = !send(client, this.#latest);
    await gone;
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#stop();
  }

  close(): void {
    for (const { response } of this.#clients) response.end();
  }

  #start(): void {
    this.#told = "";
    this.#unsubscribe = this.#jobs.subscribe(({ id, name }) => this.#seen(id, name));
    this.#timers = [
      setInterval(() => void this.#look(), this.#times.pollMs),
      setInterval(() => void this.#beat(), this.#times.heartbeatMs),
    ];
    void this.#look();
  }

  #stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#unsubscribe?.();
    this.#latest = undefined;
    this.#forget();
  }

  #seen(id: string, name: string): void {
    if (this.#ids.size < idsMax) this.#ids.add(id);
    else this.#more ||= !this.#ids.has(id);
    if (this.#names.size < namesMax) this.#names.add(name);
  }

  #forget(): void {
    this.#ids = new Set();
    this.#names = new Set();
    this.#more = false;
  }

  /** One at a time: a store that is slow is not asked again meanwhile. One that is away is: clients hear when it is back. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    await this.#tell().catch(() => undefined);
    this.#looking = false;
  }

  async #tell(): Promise<void> {
    const hints: JobHints = { ids: [...this.#ids], names: [...this.#names], more: this.#more };
    this.#forget();
    if (hints.ids.length > 0) {
      const message = messageOf("jobs", hints);
      for (const client of this.#clients) send(client, message);
    }
    const overview = await this.#jobs.overview();
    const told = comparable(overview);
    this.#latest = messageOf("overview", overview);
    const changed = told !== this.#told;
    this.#told = told;
    for (const client of this.#clients) if (changed || client.behind) client.behind = !send(client, this.#latest);
  }

  async #beat(): Promise<void> {
    for (const client of this.#clients) {
      try {
        await client.allowed();
        if (!client.response.writableNeedDrain) client.response.write(": still here\n\n");
      } catch {
        client.response.end();
      }
    }
  }
}

function messageOf(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** False when the client has not taken what was sent before. */
function send({ response }: Client, message: string): boolean {
  if (response.writableEnded || response.writableNeedDrain) return false;
  response.write(message);
  return true;
}

/** What makes an overview another one: not the time it was made at. */
function comparable({ at: _at, ...overview }: JobsOverview): string {
  return JSON.stringify(overview, (key, value: unknown) =>
    (key === "ms" || key === "oldestWaitMs") && typeof value === "number" ? Math.floor(value / waitStepMs) : value,
  );
}
