import type { JobLogLine, Listed } from "@provost/contract";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, part } from "../../api/client.ts";
import { useLive } from "../../live/hooks.ts";
import { jobTopics } from "../hints.ts";

const pageLines = 500;

interface JobLogs {
  lines: JobLogLine[];
  /** There are lines that have not been read yet. */
  more: boolean;
  pending: boolean;
  error: Error | null;
  retry: () => void;
}

/** All lines of a job, page after page; what comes later is read on from the last one. */
export function useJobLogs(id: string): JobLogs {
  const query = useInfiniteQuery({
    queryKey: ["job-logs", id],
    queryFn: ({ pageParam, signal }) =>
      api.get<Listed<JobLogLine>>(`jobs/${part(id)}/logs`, { params: { after: pageParam, limit: pageLines }, signal }),
    initialPageParam: undefined as string | undefined,
    // After the last page too: where it ended is where it goes on.
    getNextPageParam: (page, pages, param) => page.next ?? lastSeq(pages) ?? param,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const { data, isFetching, fetchNextPage, refetch } = query;
  const lines = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const more = data?.pages.at(-1)?.next !== undefined;
  const readOn = (): Promise<unknown> => (lines.length === 0 ? refetch() : fetchNextPage());
  useEffect(() => {
    if (more && !isFetching) void fetchNextPage();
  }, [more, isFetching, fetchNextPage]);
  useLive(jobTopics(id), async () => {
    if (!isFetching) await readOn();
  });
  return { lines, more, pending: query.isPending, error: query.error, retry: () => void readOn() };
}

function lastSeq(pages: readonly Listed<JobLogLine>[]): string | undefined {
  const seq = pages.findLast(({ items }) => items.length > 0)?.items.at(-1)?.seq;
  return seq === undefined ? undefined : String(seq);
}
