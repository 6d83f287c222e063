import type { Listed, ScheduleDetail, ScheduleRun, ScheduleTick, ScheduleView } from "@provost/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { jobsTopics } from "../jobs/hints.ts";
import { shownMax } from "../jobs/queries.ts";
import type { KeysetSource } from "../list/use-keyset-list.ts";

const meta = { live: jobsTopics };

export const schedulesQuery = queryOptions({
  queryKey: ["schedules"],
  queryFn: async ({ signal }) =>
    (await api.get<Listed<ScheduleView>>("schedules", { params: { limit: shownMax }, signal })).items,
  meta,
});

const runsShown = 10;

/** With its next runs in a zone; without one in that of its rule. */
export function scheduleQuery(name: string, zone: string | undefined) {
  return queryOptions({
    queryKey: ["schedules", name, zone],
    queryFn: ({ signal }) =>
      api.get<ScheduleDetail>(`schedules/${part(name)}`, { params: { zone, runs: runsShown }, signal }),
    placeholderData: keepPreviousData,
    meta,
  });
}

/** The scheduler's log, latest due first. */
export function ticksList(name: string): KeysetSource<ScheduleTick> {
  return {
    key: ["ticks", name],
    live: jobsTopics,
    read: (after, signal) =>
      api.get<Listed<ScheduleTick>>(`schedules/${part(name)}/ticks`, {
        params: { after },
        ...(signal === undefined ? {} : { signal }),
      }),
    idOf: tickId,
  };
}

export const tickId = ({ dueAt, shard }: ScheduleTick): string => `${dueAt}/${shard}`;

async function readAgain(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: ["schedules"] });
}

/** Also of a paused one. */
export async function runSchedule(name: string): Promise<ScheduleRun> {
  const run = await api.post<ScheduleRun>(`schedules/${part(name)}/run`, {});
  await readAgain();
  return run;
}

export async function pauseSchedule(name: string, paused: boolean): Promise<void> {
  await api.post<ScheduleView>(`schedules/${part(name)}/${paused ? "pause" : "resume"}`);
  await readAgain();
}

/** What came of running it by hand, in words. */
export function runWords({ shards }: ScheduleRun): string {
  const of = (state: ScheduleRun["shards"][number]["state"]): number =>
    shards.filter((shard) => shard.state === state).length;
  const words = [
    of("started") > 0 && `${of("started")} started`,
    of("existing") > 0 && `${of("existing")} had been started already`,
    of("skipped") > 0 && `${of("skipped")} skipped: the run before has not ended`,
  ].filter((word) => word !== false);
  return `${words.join(", ")}.`;
}
