import { jobStatuses, ProvostError, type JobFilter, type JobStatusName } from "@provost/contract";
import type { BrowseQuery, JobBrief } from "@provost/jobs";

/** A filter as the job manager takes it. @throws ProvostError `invalid_request` for a status that is none. */
export function browseQuery({
  status,
  name,
  queue,
  priority,
  flow,
}: JobFilter): Omit<BrowseQuery, "limit" | "looksMax"> {
  const statuses = status === undefined ? undefined : statusesOf(status);
  return {
    ...(statuses === undefined ? {} : { statuses }),
    ...(name === undefined ? {} : { name }),
    ...(queue === undefined ? {} : { queue }),
    ...(priority === undefined ? {} : { priority }),
    ...(flow === undefined ? {} : { flowId: flow }),
  };
}

function statusesOf(text: string): JobStatusName[] {
  return [...new Set(text.split(","))].map((each) => {
    const status = jobStatuses.find((known) => known === each);
    if (status !== undefined) return status;
    throw new ProvostError(
      "invalid_request",
      `status is ${JSON.stringify(each)}: give ${jobStatuses.join(", ")}, with commas between.`,
      { field: "status" },
    );
  });
}

/** For jobs that were found by their id or key. */
export function fits(
  job: Pick<JobBrief, "status" | "name" | "queue" | "priority" | "flowId">,
  query: Omit<BrowseQuery, "limit" | "looksMax">,
): boolean {
  const { statuses, name, queue, priority, flowId } = query;
  return (
    (statuses === undefined || statuses.includes(job.status)) &&
    (name === undefined || job.name === name) &&
    (queue === undefined || job.queue === queue) &&
    (priority === undefined || job.priority === priority) &&
    (flowId === undefined || job.flowId === flowId)
  );
}
