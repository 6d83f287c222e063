import type { Catalog } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";

/** Regions, plans and images of a provider; the server keeps them for a while. */
export function catalogQuery(provider: string) {
  return queryOptions({
    queryKey: ["catalog", provider],
    queryFn: ({ signal }) => api.get<Catalog>(`providers/${part(provider)}/catalog`, { signal }),
    enabled: provider !== "",
    staleTime: 5 * 60_000,
  });
}
