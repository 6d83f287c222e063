import type { JobStatusName } from "@provost/contract";

export type { JobFilter, JobStatusName } from "@provost/contract";

/** As the contract lists them, whose schemas the page does not load; in the order of a job's life. */
export const jobStatuses = [
  "waiting",
  "delayed",
  "queued",
  "in_progress",
  "processed",
  "failed",
  "cancelled",
] as const satisfies readonly JobStatusName[];

export const finalStatuses: readonly JobStatusName[] = ["processed", "failed", "cancelled"];

/** `10,000+` where there may be more; `?` where none was found among those that were looked at. */
export function cappedCount({ count, capped }: { count: number; capped: boolean }): string {
  if (count === 0 && capped) return "?";
  return `${count.toLocaleString("en-US")}${capped ? "+" : ""}`;
}

/** What a status means, to be read beside it. */
export const statusTells: Record<JobStatusName, string> = {
  waiting: "Behind a closed gate: a parent or a stage of its flow must pass first",
  delayed: "Its time is ahead",
  queued: "Ready: it runs when its turn comes",
  in_progress: "It runs",
  processed: "It ended as it should",
  failed: "It ended without being processed",
  cancelled: "It was told to end",
};
