import type { Connections } from "./connections.ts";
import { EarConnection } from "./ear.ts";

/** Hints to other processes are gathered for this long: NOTIFY in each insert would cap enqueueing (FACTS.md). */
const gatherMs = 4;
/** After so long the next enqueue of one job takes along what has gathered: a statement apart costs as much as the enqueue. */
const takeAlongMs = 3;
/** How long a hint of our own may take to come back by the listening connection; one that is lost has no end. */
const echoMsMax = 3_000;
/** Of a NOTIFY's 8,000 bytes. */
const payloadBytesMax = 7_000;

/** Nothing of it is worth a flush, in which it would hold up every other NOTIFY of the database. */
const sendHints = "SELECT pg_notify($1, p), set_config('synchronous_commit', 'off', true) FROM unnest($2::text[]) AS p";

type Listener = (queues: string[]) => void;

/** Channel and payload of a NOTIFY. */
interface HintWithin {
  values: [channel: string, payload: string];
  undone(): void;
}

/**
 * Hints that jobs may be ready. Listeners of this Transporter are rung at once, others by a NOTIFY, at most one in 3 ms whatever the number
 * of jobs: within the insert when it is the first for as long, else apart. A hint that is lost costs a poll's wait.
 */
export class Notifier {
  readonly #connections: Pick<Connections, "client" | "isOpen" | "query">;
  readonly #channel: string;
  readonly #schema: string;
  /** Marks this Transporter's own hints, which its listeners have had already. */
  readonly #self = crypto.randomUUID();
  readonly #listeners = new Set<Listener>();
  readonly #pending = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;
  #sending: Promise<void> = Promise.resolve();
  #ear: EarConnection | undefined;
  #isStarted = false;
  readonly #deafListeners = new Set<() => void>();
  /** What the first connection that listens was asked: to hear this. */
  #echo: { timer: NodeJS.Timeout; heard: boolean; deaf: boolean } | undefined;

  /** `schema` is the bare name: the channel too, so that deployments in one database do not wake one another. */
  constructor(connections: Pick<Connections, "client" | "isOpen" | "query">, schema: string) {
    this.#connections = connections;
    this.#channel = schema;
    this.#schema = `"${schema}"`;
  }

  start(): void {
    this.#isStarted = true;
    this.#listen();
  }

  async stop(): Promise<void> {
    this.#isStarted = false;
    clearTimeout(this.#echo?.timer);
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#send();
    }
    await this.#sending;
    await this.#ear?.stop();
    this.#ear = undefined;
  }

  subscribe(listener: Listener): () => void {
    // One function subscribed twice is two subscriptions.
    const own: Listener = (queues) => listener(queues);
    this.#listeners.add(own);
    this.#listen();
    return () => this.#listeners.delete(own);
  }

  /** Called once when NOTIFY does not reach the connection that listens: a pooler in transaction mode gives it to others. */
  onDeaf(listener: () => void): () => void {
    const own = (): void => listener();
    this.#deafListeners.add(own);
    if (this.#echo?.deaf === true) queueMicrotask(own);
    return () => this.#deafListeners.delete(own);
  }

  /**
   * The hint to go within the statement that makes these queues' jobs ready, when one is due now: it saves a round trip. The caller tells
   * this side's listeners after the commit (`tell`). One that is quick takes along what has gathered, and says when it was `undone`.
   * Undefined: `ring` is to follow the commit.
   */
  hintWithin(queues: Iterable<string>, { isQuick }: { isQuick: boolean }): HintWithin | undefined {
    const now = performance.now();
    if (now < this.#sentAt + (isQuick ? takeAlongMs : gatherMs) || (!isQuick && this.#timer !== undefined))
      return undefined;
    const list = new Set([...queues, ...this.#pending]);
    const [payload, ...more] = this.#payloads([...list], this.#self);
    if (payload === undefined || more.length > 0) return undefined;
    this.#sentAt = now;
    const along = [...this.#pending];
    this.#pending.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return { values: [this.#channel, payload], undone: () => this.ring(along) };
  }

  /** After the commit. */
  ring(queues: Iterable<string>): void {
    const list = [...new Set(queues)];
    if (list.length === 0) return;
    this.tell(list);
    for (const queue of list) this.#pending.add(queue);
    if (this.#timer !== undefined) return;
    const waitMs = this.#sentAt + gatherMs - performance.now();
    if (waitMs <= 0) {
      this.#send();
      return;
    }
    this.#timer = setTimeout(() => this.#send(), waitMs);
    this.#timer.unref();
  }

  /** Rings the listeners of this Transporter. */
  tell(queues: string[]): void {
    // Apart from the call that has just committed: what a listener throws is not that call's failure.
    for (const listener of this.#listeners) queueMicrotask(() => listener(queues));
  }

  /** The NOTIFY that goes with somebody else's transaction: sent at its commit, and heard here too. */
  hintsIn(queues: Iterable<string>): { text: string; values: string[] }[] {
    return this.#payloads([...queues], "").map((payload) => ({
      text: "SELECT pg_notify($1, $2)",
      values: [this.#channel, payload],
    }));
  }

  #send(): void {
    this.#timer = undefined;
    this.#sentAt = performance.now();
    const payloads = this.#payloads([...this.#pending], this.#self);
    this.#pending.clear();
    this.#sending = this.#sending.then(async () => {
      if (!this.#connections.isOpen) return;
      // A hint may be lost: the truth is in the tables, and pollers come by.
      await this.#connections.query(sendHints, [this.#channel, payloads], { prepared: true }).catch(() => undefined);
    });
  }

  #payloads(queues: string[], from: string): string[] {
    const payloads: string[] = [];
    let batch: string[] = [];
    for (const queue of queues) {
      if (batch.length > 0 && Buffer.byteLength(JSON.stringify([from, ...batch, queue])) > payloadBytesMax) {
        payloads.push(JSON.stringify([from, ...batch]));
        batch = [];
      }
      batch.push(queue);
    }
    if (batch.length > 0) payloads.push(JSON.stringify([from, ...batch]));
    return payloads;
  }

  /** A connection listens only while somebody here does: who only enqueues needs none. */
  #listen(): void {
    if (!this.#isStarted || this.#listeners.size === 0 || this.#ear !== undefined) return;
    this.#ear = new EarConnection({
      connect: () => this.#connections.client(),
      channel: this.#channel,
      heard: (payload) => this.#heard(payload),
      // What was said while it was deaf is unknown: every queue that has ready jobs is rung.
      reconnected: async (client) => {
        this.#listenForEcho();
        const { rows } = await client.query<{ queue: string }>(readyQueues(this.#schema));
        if (rows.length > 0) this.tell(rows.map(({ queue }) => queue));
      },
    });
    this.#ear.start();
  }

  /** By another connection: on the same one the server answers before a pooler has taken it away. */
  #listenForEcho(): void {
    if (this.#echo !== undefined) return;
    const echo = { heard: false, deaf: false, timer: setTimeout(() => this.#noEcho(), echoMsMax) };
    echo.timer.unref();
    this.#echo = echo;
    const payload = JSON.stringify({ echo: this.#self });
    // One that cannot be sent says nothing of what can be heard.
    this.#connections.query("SELECT pg_notify($1, $2)", [this.#channel, payload]).catch(() => clearTimeout(echo.timer));
  }

  #noEcho(): void {
    if (this.#echo === undefined || this.#echo.heard) return;
    this.#echo.deaf = true;
    for (const listener of this.#deafListeners) listener();
  }

  #heard(payload: string): void {
    let parsed: unknown;
    try {
      parsed = JSON.parse(payload);
    } catch {
      return;
    }
    if (this.#echo !== undefined && payload === JSON.stringify({ echo: this.#self })) this.#echo.heard = true;
    if (!Array.isArray(parsed) || parsed[0] === this.#self) return;
    this.tell(parsed.slice(1).map(String));
  }
}

/** Steps from queue to queue along the road: as many look-ups as queues, at any backlog. */
function readyQueues(schema: string): string {
  return `WITH RECURSIVE step AS (
    (SELECT a.queue FROM ${schema}.ready a ORDER BY a.queue LIMIT 1)
    UNION ALL
    SELECT (SELECT a.queue FROM ${schema}.ready a WHERE a.queue > s.queue ORDER BY a.queue LIMIT 1)
    FROM step s WHERE s.queue IS NOT NULL
  ) SELECT queue FROM step WHERE queue IS NOT NULL`;
}
