import type {
  JobCounts,
  JobDetail,
  JobFlow,
  JobsOverview,
  JobView,
  JobWhy,
  Listed,
  ProcessView,
  QueueView,
} from "@provost/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import type { QueryKey } from "../list/query.ts";
import type { KeysetSource } from "../list/use-keyset-list.ts";
import type { JobSearch } from "./filter.ts";
import { flowTopics, jobsTopics, jobTopics } from "./hints.ts";
import { jobStatuses } from "./words.ts";

const anyJob = { live: jobsTopics };
/** Queues, schedules and processes are some tens; this many are shown. */
export const shownMax = 500;

export const overviewQuery = queryOptions({
  queryKey: ["jobs", "overview"],
  queryFn: ({ signal }) => api.get<JobsOverview>("jobs/overview", { signal }),
  // The stream brings it along; it is read anew after a gap only.
  meta: { live: ["job/any"] },
});

/** How many of each status fit the rest of a search. */
export function countsQuery({ params: { name, queue, priority, flow } }: JobSearch) {
  const params = { name, queue, priority, flow };
  return queryOptions({
    queryKey: ["jobs", "counts", params],
    queryFn: ({ signal }) => api.get<JobCounts>("jobs/counts", { params, signal }),
    placeholderData: keepPreviousData,
    meta: anyJob,
  });
}

export function jobsList({ params }: JobSearch): KeysetSource<JobView> {
  return {
    key: ["jobs", params],
    live: jobsTopics,
    read: (after, signal) =>
      api.get<Listed<JobView>>("jobs", { params: { ...params, after }, ...(signal === undefined ? {} : { signal }) }),
    idOf: ({ id }) => id,
  };
}

export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) => api.get<JobDetail>(`jobs/${part(id)}`, { signal }),
    meta: { live: jobTopics(id) },
  });
}

/** Others of its queue change the answer too, so it is read again with any of them. */
export function whyQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id, "why"],
    queryFn: ({ signal }) => api.get<JobWhy>(`jobs/${part(id)}/why`, { signal }),
    meta: anyJob,
  });
}

/** `known`: as it was read last, if it was. */
export function flowQuery(id: string, known: JobFlow | undefined) {
  return queryOptions({
    queryKey: flowKey(id),
    queryFn: ({ signal }) => api.get<JobFlow>(`jobs/${part(id)}/flow`, { signal }),
    placeholderData: keepPreviousData,
    meta: { live: flowTopics(id, known) },
  });
}

export const flowKey = (id: string) => ["job", id, "flow"] as const;

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: async ({ signal }) =>
    (await api.get<Listed<QueueView>>("queues", { params: { limit: shownMax }, signal })).items,
  meta: anyJob,
});

export const processesQuery = queryOptions({
  queryKey: ["processes"],
  queryFn: async ({ signal }) =>
    (await api.get<Listed<ProcessView>>("processes", { params: { limit: shownMax }, signal })).items,
  meta: anyJob,
});

/** The terms of the list's search, with the values that are known. */
export function searchKeys(queues: readonly QueueView[], rows: readonly JobView[]): QueryKey[] {
  return [
    { key: "status", hint: "failed, queued, …", values: jobStatuses },
    { key: "name", hint: "what it does", values: [...new Set(rows.map(({ name }) => name))].toSorted() },
    { key: "queue", hint: "where it waits", values: queues.map(({ name }) => name) },
    { key: "priority", hint: "0–255, as it is now" },
    { key: "flow", hint: "id of its flow" },
    { key: "id", hint: "its own" },
    { key: "key", hint: "unique or wake key" },
  ];
}
