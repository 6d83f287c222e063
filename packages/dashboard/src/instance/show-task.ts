import { queryClient } from "../api/queries.ts";

/** What was asked for shows at once, whether the stream is paused or not. */
export async function showTask(id: string): Promise<void> {
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: ["instance", id] }),
    queryClient.invalidateQueries({ queryKey: ["list", "tasks", id] }),
    queryClient.invalidateQueries({ queryKey: ["events", id] }),
  ]);
}
