import type { SystemView } from "@provost/contract";
import { queryOptions } from "@tanstack/react-query";
import { api } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";

/** How everything is. Servers' signs of life are told by no event: it is read again every so often while it is shown. */
export const systemQuery = queryOptions({
  queryKey: ["system"],
  queryFn: ({ signal }) => api.get<SystemView>("system", { signal }),
  meta: { live: ["provider", "delivery"] },
  staleTime: 5_000,
});

/** After something was done to a provider. */
export async function rereadProviders(): Promise<void> {
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: ["providers"] }),
    queryClient.invalidateQueries({ queryKey: ["system"] }),
  ]);
}
