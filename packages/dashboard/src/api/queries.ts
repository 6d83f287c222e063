import { QueryClient } from "@tanstack/react-query";
import { live } from "../live/connection.ts";
import { concerns, joinBatches, type LiveBatch } from "../live/events.ts";
import { settled } from "../live/settled.ts";
import { isPassing } from "./problem.ts";

declare module "@tanstack/react-query" {
  interface Register {
    queryMeta: {
      /** Topics of the stream that make this query's answer old: `instance`, `instance/<id>`. */
      live?: readonly string[];
    };
  }
}

const retriesMax = 3;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      retry: (failures, error) => isPassing(error) && failures < retriesMax,
      // The stream tells what changed; while it is paused, nothing moves.
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
    },
    mutations: { retry: false },
  },
});

/** What is on screen is read again at most this often, however much changes. */
const pauseMs = 500;

/** Has the stream's news refetch what is on screen, and age what is not. */
export function followStream(): () => void {
  let waiting = nothing;
  const refetch = settled(async () => {
    const batch = waiting;
    waiting = nothing;
    await queryClient.invalidateQueries({ predicate: ({ meta }) => concerns(batch, meta?.live ?? []) });
  }, pauseMs);
  return live.listen((batch) => {
    waiting = joinBatches(waiting, batch);
    return refetch();
  });
}

const nothing: LiveBatch = { everything: false, events: [] };
