import type { ScheduleDetail } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import type { ReactNode } from "react";
import { exactDuration } from "../format/time.ts";
import { useJobStream } from "../jobs/stream.ts";
import { Tag } from "../ui/badge.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { SelectInput } from "../ui/field.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { TabLinks } from "../ui/tabs.tsx";
import { scheduleQuery } from "./queries.ts";
import { RecentRuns } from "./recent-runs.tsx";
import { ScheduleActions } from "./schedule-actions.tsx";
import { ScheduleBadge } from "./state.tsx";
import { TicksTable } from "./ticks-table.tsx";
import { zoneChoices } from "./zones.ts";

const tabs = [
  { value: "plan", label: "Plan" },
  { value: "log", label: "Scheduler's log" },
] as const;

/** One schedule: its rule in words, what is to come, what was, and the scheduler's log. */
export function ScheduleScreen() {
  useJobStream();
  const { name } = useParams({ from: "/jobs/schedules/$name" });
  const { zone, tab } = useSearch({ from: "/jobs/schedules/$name" });
  const { data: schedule, error, refetch } = useQuery(scheduleQuery(name, zone));
  const current = tabs.find(({ value }) => value === tab)?.value ?? "plan";
  return (
    <div className="flex min-h-full flex-col">
      <PageHead
        title={name}
        above={
          <Link to="/jobs/schedules" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
            <ArrowLeft aria-hidden size={13} /> Schedules
          </Link>
        }
        beside={
          schedule && (
            <>
              <ScheduleBadge state={schedule.state} filled />
              <span className="truncate text-muted max-md:hidden">{schedule.words}</span>
            </>
          )
        }
        actions={schedule && <ScheduleActions schedule={schedule} />}
      />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {schedule === undefined ? (
        error === null && <SkeletonRows />
      ) : (
        <>
          <TabLinks label="Of this schedule" tabs={tabs} current={current} />
          {current === "plan" ? <Plan schedule={schedule} /> : <TicksTable name={name} shards={schedule.shards} />}
        </>
      )}
    </div>
  );
}

const overlapTells = { skip: "a tick is skipped", allow: "both run" };
const missedTells = { skip: "are skipped", once: "are made up for by one run" };

function Plan({ schedule }: { schedule: ScheduleDetail }) {
  const { words, rule, timeZone, overlap, missed, queue, lane, priority, timeoutMs, shards } = schedule;
  return (
    <div className="grid gap-x-8 gap-y-6 p-4 md:px-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-6">
        <Part title="Recent runs">
          <RecentRuns name={schedule.name} ticks={schedule.recent} shards={shards} />
        </Part>
        <Part title={shards === 1 ? "Cursor" : `Cursors of ${shards} shards`}>
          <Cursors cursors={schedule.cursors} />
        </Part>
        <Part title="Rule">
          <p>Runs {words}.</p>
          <Facts
            items={[
              [
                "As written",
                <code key="rule" className="font-mono text-xs">
                  {rule}
                </code>,
              ],
              ["Time zone", timeZone ?? "–"],
              ["If the run before has not ended", overlapTells[overlap]],
              ["Ticks that nobody fired", missedTells[missed]],
              ["Shards", shards],
              [
                "Queue",
                <Link
                  key="queue"
                  to="/jobs/queues/$name"
                  params={{ name: queue }}
                  className="text-accent-text hover:underline"
                >
                  {queue}
                </Link>,
              ],
              ["Lane", lane],
              ["Priority", priority],
              ["Timeout", exactDuration(timeoutMs)],
            ]}
          />
        </Part>
      </div>
      <NextRuns schedule={schedule} />
    </div>
  );
}

function Part({ title, beside, children }: { title: string; beside?: ReactNode; children: ReactNode }) {
  return (
    <section className="flex min-w-0 flex-col gap-2">
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-2">
        <h2 className="font-medium">{title}</h2>
        {beside}
      </div>
      {children}
    </section>
  );
}

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

function NextRuns({ schedule: { name, state, timeZone, nextRuns, zone } }: { schedule: ScheduleDetail }) {
  const navigate = useNavigate();
  return (
    <Part
      title="Next runs"
      beside={
        <SelectInput
          aria-label="Time zone"
          className="w-60!"
          value={zone}
          options={zoneChoices(timeZone, here, Intl.supportedValuesOf("timeZone"))}
          onChange={(chosen) =>
            void navigate({ to: "/jobs/schedules/$name", params: { name }, search: { zone: chosen }, replace: true })
          }
        />
      }
    >
      {state !== "active" && (
        <p className="text-warn">
          {state === "paused"
            ? "It is paused: these would be its runs."
            : "No process has it in its code: these would be its runs."}
        </p>
      )}
      {nextRuns.length === 0 && <p className="text-muted">It is never due.</p>}
      <ol className="flex flex-col">
        {nextRuns.map(({ at, local }) => (
          <li key={at} className="flex justify-between gap-4 border-b border-line py-1.5 last:border-b-0">
            <span>{local}</span>
            <span className="text-muted">
              <RelativeTime at={at} />
            </span>
          </li>
        ))}
      </ol>
    </Part>
  );
}

function Cursors({ cursors }: { cursors: readonly unknown[] }) {
  return (
    <ol className="flex flex-col">
      {cursors.map((cursor, shard) => (
        // oxlint-disable-next-line react/no-array-index-key -- a shard is its number
        <li key={shard} className="flex min-w-0 items-baseline gap-3 border-b border-line py-1.5 last:border-b-0">
          {cursors.length > 1 && <Tag>{shard}</Tag>}
          {cursor === null ? (
            <span className="text-muted">None: no run has handed one on.</span>
          ) : (
            <code className="min-w-0 font-mono text-xs break-words">{JSON.stringify(cursor)}</code>
          )}
        </li>
      ))}
    </ol>
  );
}
