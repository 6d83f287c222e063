import type { Instance, InstanceCounts, Listed, ProviderView } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import type { KeysetSource } from "../list/use-keyset-list.ts";
import type { Query, QueryKey } from "../list/query.ts";
import type { View } from "./filter.ts";
import { statuses } from "./status.tsx";

export function instanceList(query: Query, view: View): KeysetSource<Instance> {
  const params = { ...query.terms, q: query.words, failed: view === "failed", all: view === "all" };
  return {
    key: ["instances", params],
    live: ["instance"],
    read: (after, signal) => api.get<Listed<Instance>>("instances", { params: { ...params, after }, signal }),
    idOf: ({ id }) => id,
  };
}

export const countsQuery = queryOptions({
  queryKey: ["instances", "counts"],
  queryFn: ({ signal }) => api.get<InstanceCounts>("instances/counts", { signal }),
  meta: { live: ["instance"] },
});

export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: async ({ signal }) => (await api.get<Listed<ProviderView>>("providers", { signal })).items,
  meta: { live: ["provider"] },
});

export function instanceQuery(ref: string) {
  return queryOptions({
    queryKey: ["instance", ref],
    queryFn: ({ signal }) => api.get<Instance>(`instances/${part(ref)}`, { signal }),
    meta: { live: [`instance/${ref}`] },
  });
}

/** The terms of the list's search, with the values that are known. */
export function queryKeys(providers: readonly ProviderView[], rows: readonly Instance[]): QueryKey[] {
  const known = (of: (row: Instance) => string | readonly string[]): string[] =>
    [...new Set(rows.flatMap(of))].toSorted();
  return [
    { key: "status", hint: "running, failed, …", values: statuses },
    { key: "provider", hint: "where it is", values: providers.map(({ name }) => name) },
    { key: "region", hint: "of its provider", values: known(({ region }) => region) },
    { key: "tag", hint: "one of its tags", values: known(({ tags }) => tags) },
    { key: "type", hint: "its plan", values: known(({ type }) => type) },
    { key: "name", hint: "how it begins" },
  ];
}
