import type { ProcessDetail, ProcessView } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { jobsTopics } from "../jobs/hints.ts";

export function processQuery(id: string) {
  return queryOptions({
    queryKey: ["processes", id],
    queryFn: ({ signal }) => api.get<ProcessDetail>(`processes/${part(id)}`, { signal }),
    meta: { live: jobsTopics },
  });
}

export type Ask = "quiet" | "resume" | "stop";

/** It hears of it within 10 s. */
export async function ask(id: string, what: Ask): Promise<void> {
  await api.post<ProcessView>(`processes/${part(id)}/${what}`);
  await queryClient.invalidateQueries({ queryKey: ["processes"] });
}
