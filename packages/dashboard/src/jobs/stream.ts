import type { JobsOverview } from "@provost/contract";
import { useEffect } from "react";
import { apiUrl } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { live } from "../live/connection.ts";
import { SseParser } from "../live/sse-parser.ts";
import { reconnectDelayMs } from "../live/state.ts";
import { overviewQuery } from "./queries.ts";
import { anything, eventsOf, nothing, withHints, type Pending } from "./hints.ts";

/** Screens are told at most this often, however many jobs change. */
const settleMs = 2_000;
/** The hints are what one server's own process has seen; for the jobs of others, what is shown is read again this often. */
const othersMs = 10_000;

/**
 * The overview and hints of jobs, while a screen of jobs is open. They are a stream apart from the page's own, which need not carry what changes
 * thousands of times a second; it follows that one's state: no hints while it is paused. While nobody looks it is closed: a browser has
 * six connections for all tabs together.
 */
class JobStream {
  #users = 0;
  #end: (() => void) | undefined;

  use(): () => void {
    this.#users++;
    this.#end ??= follow();
    return () => {
      this.#users--;
      // A moment later: the next screen may be one of jobs too.
      setTimeout(() => {
        if (this.#users > 0) return;
        this.#end?.();
        this.#end = undefined;
      });
    };
  }
}

function wanted(): boolean {
  return live.state.phase === "live" && document.visibilityState === "visible";
}

function follow(): () => void {
  let pending: Pending = nothing;
  let abort: AbortController | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let toldAllAt = Date.now();
  let opened = false;
  let failures = 0;

  const connect = (): void => {
    abort = new AbortController();
    const { signal } = abort;
    read(signal, (event, data) => {
      failures = 0;
      if (event === "jobs") pending = withHints(pending, data);
      else if (event === "overview") keepOverview(data);
    })
      .catch(() => {})
      .finally(() => {
        if (signal.aborted) return;
        pending = anything;
        retry = setTimeout(connect, reconnectDelayMs(++failures, Math.random()));
      });
  };
  const hangUp = (): void => {
    clearTimeout(retry);
    abort?.abort();
    abort = undefined;
  };
  const heed = (): void => {
    if (!wanted()) hangUp();
    else if (abort === undefined) {
      // What came while it was closed is not known.
      if (opened) pending = anything;
      opened = true;
      connect();
    }
  };
  const tell = (): void => {
    if (!wanted()) return;
    if (Date.now() - toldAllAt >= othersMs) pending = anything;
    const events = eventsOf(pending);
    if (events.length === 0) return;
    if (pending.more) toldAllAt = Date.now();
    pending = nothing;
    live.tell(events);
  };
  const unwatch = live.watch(heed);
  document.addEventListener("visibilitychange", heed);
  const timer = setInterval(tell, settleMs);
  heed();
  return () => {
    unwatch();
    document.removeEventListener("visibilitychange", heed);
    clearInterval(timer);
    hangUp();
  };
}

/** The overview comes along by itself, as often as it changes. */
function keepOverview(data: string): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server's own tests hold it to the contract
  queryClient.setQueryData(overviewQuery.queryKey, JSON.parse(data) as JobsOverview);
}

async function read(signal: AbortSignal, onEvent: (event: string, data: string) => void): Promise<void> {
  const response = await fetch(apiUrl("jobs/stream"), {
    headers: { accept: "text/event-stream" },
    signal,
    credentials: "same-origin",
    cache: "no-store",
  });
  if (!response.ok || response.body === null) return;
  const parser = new SseParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    for (const { event, data } of parser.push(value)) onEvent(event, data);
  }
}

const stream = new JobStream();

/** Keeps the screen's jobs current: queries of `jobTopics` and `jobsTopics` are read again when hints come. */
export function useJobStream(): void {
  useEffect(() => stream.use(), []);
}
