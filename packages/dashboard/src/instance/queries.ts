import type { BackupView, EventList, InstanceEvent, Listed, TaskView } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import type { KeysetSource } from "../list/use-keyset-list.ts";

const pageMax = 500;

/** The story so far: what has been read stays, and only what is new is asked for. */
export function eventsQuery(id: string) {
  const queryKey = ["events", id] as const;
  return queryOptions({
    queryKey,
    queryFn: async ({ signal }): Promise<InstanceEvent[]> => {
      const events = [...(queryClient.getQueryData<InstanceEvent[]>(queryKey) ?? [])];
      for (;;) {
        const params = { after: events.at(-1)?.seq ?? 0, limit: pageMax };
        const { items } = await api.get<EventList>(`instances/${part(id)}/events`, { params, signal });
        events.push(...items);
        if (items.length < pageMax) return events;
      }
    },
    meta: { live: [`instance/${id}`] },
  });
}

export function taskList(id: string): KeysetSource<TaskView> {
  return {
    key: ["tasks", id],
    live: [`instance/${id}`],
    read: (after, signal) => api.get<Listed<TaskView>>(`instances/${part(id)}/tasks`, { params: { after }, signal }),
    idOf: (task) => task.id,
  };
}

export function backupsQuery(id: string) {
  return queryOptions({
    queryKey: ["backups", id],
    queryFn: async ({ signal }) =>
      (await api.get<Listed<BackupView>>(`instances/${part(id)}/backups`, { signal })).items,
    meta: { live: [`instance/${id}`] },
    staleTime: 0,
  });
}
