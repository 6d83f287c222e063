import { defineSchedule, type ScheduleDefinition } from "@provost/jobs";

/** What is removed when it has grown old. */
export interface Pruned {
  keptMs: number;
  prune(olderThan: number, signal: AbortSignal): Promise<void>;
}

/** One server an hour takes away what is past its time: `auditKeptMs`, `deliveriesKeptMs`. */
export function retentionSchedule(now: () => Promise<number>, pruned: readonly Pruned[]): ScheduleDefinition {
  return defineSchedule("control.retention", {
    every: "1h",
    run: async ({ signal }) => {
      const at = await now();
      for (const each of pruned) await each.prune(at - each.keptMs, signal);
    },
  });
}
