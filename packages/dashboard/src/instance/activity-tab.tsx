import type { Instance } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Tag } from "../ui/badge.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { classes } from "../ui/classes.ts";
import { eventsQuery } from "./queries.ts";

const shownMax = 500;
const bad = new Set(["failed", "task_failed", "missing", "expired"]);

/** All that happened to it, the newest first. */
export function ActivityTab({ instance }: { instance: Instance }) {
  const { data: events, error, refetch } = useQuery(eventsQuery(instance.id));
  if (events === undefined) {
    return error === null ? <SkeletonRows /> : <ErrorNote error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="flex flex-col">
      <ol aria-label="Activity">
        {events
          .slice(-shownMax)
          .toReversed()
          .map(({ seq, at, kind, message, stage }) => (
            <li key={seq} className="flex items-start gap-4 border-b border-line px-4 py-2 md:px-6">
              <span className="w-20 shrink-0 text-muted">
                <RelativeTime at={at} />
              </span>
              <span className="w-28 shrink-0 max-sm:hidden">
                <Tag>{kind}</Tag>
              </span>
              <span className={classes("min-w-0 flex-1 break-words", bad.has(kind) && "text-bad")}>
                {message}
                {stage !== undefined && kind !== "stage" && <span className="text-faint"> · {stage}</span>}
              </span>
            </li>
          ))}
      </ol>
      <p className="px-4 py-3 text-xs text-muted md:px-6">
        {events.length > shownMax && `The newest ${shownMax} of ${events.length}. `}
        Who asked for what is in the{" "}
        <Link to="/audit" search={{ target: instance.id }} className="text-accent-text underline">
          audit log
        </Link>
        .
      </p>
    </div>
  );
}
