import { QueryClient } from "@tanstack/react-query";
import { live } from "../live/connection.ts";
import { concerns } from "../live/events.ts";
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

/** Has the stream's news refetch what is on screen, and age what is not. */
export function followStream(): () => void {
  return live.listen((batch) =>
    queryClient.invalidateQueries({ predicate: (query) => concerns(batch, query.meta?.live ?? []) }),
  );
}
