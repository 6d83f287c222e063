import { apiUrl, signedOut } from "../api/client.ts";
import { readEvents, type LiveBatch, type LiveEvent } from "./events.ts";
import { SseParser, type SseMessage } from "./sse-parser.ts";
import { initialLive, reconnectDelayMs, reduceLive, type LiveInput, type LiveState } from "./state.ts";

/** The server sends a heartbeat every 15 s: a line silent for so long is dead, whatever the network says. */
const silenceMs = 40_000;
/** Changes are handed on at most this often, however many come. */
const batchMs = 250;

/**
 * The page's one connection to `/v1/stream`. Reads the stream by fetch, not EventSource: a paused one goes on from its
 * last id, and a refusal says why.
 */
export class LiveConnection {
  #state = initialLive(Date.now());
  #abort: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #flush: ReturnType<typeof setTimeout> | undefined;
  #pending: LiveEvent[] = [];
  readonly #watchers = new Set<() => void>();
  readonly #listeners = new Set<(batch: LiveBatch) => void | Promise<void>>();

  get state(): LiveState {
    return this.#state;
  }

  /** Begins; the answer ends it. */
  start(): () => void {
    const awake = (): void => {
      // After sleep, or when the network is back: at once, not when the next try is due.
      if (document.visibilityState === "visible" && this.#state.phase === "reconnecting") this.#connect();
    };
    document.addEventListener("visibilitychange", awake);
    window.addEventListener("online", awake);
    if (this.#state.phase !== "paused") this.#connect();
    return () => {
      document.removeEventListener("visibilitychange", awake);
      window.removeEventListener("online", awake);
      this.#hangUp();
    };
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** What `listener` answers is waited for before a gap counts as caught up. */
  listen(listener: (batch: LiveBatch) => void | Promise<void>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Hands on what a stream beside this one has told. */
  tell(events: LiveEvent[]): void {
    void this.#tell({ everything: false, events });
  }

  pause(): void {
    this.#hangUp();
    this.#step({ type: "pause" });
  }

  resume(): void {
    this.#step({ type: "resume" });
    this.#connect();
  }

  #step(input: LiveInput): void {
    const before = this.#state;
    this.#state = reduceLive(before, input, Date.now());
    if (this.#state.phase !== before.phase) for (const watcher of this.#watchers) watcher();
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    clearTimeout(this.#flush);
    this.#flush = undefined;
    this.#pending = [];
    this.#abort?.abort();
    this.#abort = undefined;
  }

  #connect(): void {
    this.#hangUp();
    const abort = new AbortController();
    this.#abort = abort;
    this.#read(abort.signal)
      .catch(() => {})
      .finally(() => {
        if (abort.signal.aborted) return;
        this.#lost();
      });
  }

  #lost(): void {
    this.#hangUp();
    this.#step({ type: "lost" });
    this.#retry = setTimeout(() => this.#connect(), reconnectDelayMs(this.#state.failures, Math.random()));
  }

  async #read(signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (this.#state.lastId !== undefined) headers["last-event-id"] = this.#state.lastId;
    const response = await fetch(apiUrl("stream"), { headers, signal, credentials: "same-origin", cache: "no-store" });
    if (response.status === 401) signedOut();
    if (!response.ok || response.body === null) return;
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.#alive();
      for (const message of parser.push(value)) this.#take(message, signal);
    }
  }

  #alive(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), silenceMs);
  }

  #take(message: SseMessage, signal: AbortSignal): void {
    this.#step({ type: "event", id: message.id });
    if (message.event === "ready" || message.event === "reset") {
      this.#step({ type: message.event });
      if (this.#state.phase === "catching-up") void this.#catchUp(signal);
      return;
    }
    this.#pending.push(...readEvents(message));
    this.#flush ??= setTimeout(() => {
      const events = this.#pending;
      this.#pending = [];
      this.#flush = undefined;
      void this.#tell({ everything: false, events });
    }, batchMs);
  }

  /** All that is shown is asked for again; then nothing is missing. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    await this.#tell({ everything: true, events: [] });
    if (!signal.aborted) this.#step({ type: "caught-up" });
  }

  async #tell(batch: LiveBatch): Promise<void> {
    await Promise.allSettled([...this.#listeners].map(async (listener) => listener(batch)));
  }
}

export const live = new LiveConnection();
