import type { QueueChange, QueueView } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { jobsTopics } from "../jobs/hints.ts";

export function queueQuery(name: string) {
  return queryOptions({
    queryKey: ["queues", name],
    queryFn: ({ signal }) => api.get<QueueView>(`queues/${part(name)}`, { signal }),
    meta: { live: jobsTopics },
  });
}

export async function pauseQueue(name: string, paused: boolean): Promise<void> {
  await api.post<QueueView>(`queues/${part(name)}/${paused ? "pause" : "resume"}`);
  await queryClient.invalidateQueries({ queryKey: ["queues"] });
}

/** What is left out stays as it is. */
export async function changeQueue(name: string, change: QueueChange): Promise<void> {
  await api.patch<QueueView>(`queues/${part(name)}`, change);
  await queryClient.invalidateQueries({ queryKey: ["queues"] });
}
