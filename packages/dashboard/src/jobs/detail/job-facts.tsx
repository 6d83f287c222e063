import type { JobDetail } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { exactDuration } from "../../format/time.ts";
import { Copyable } from "../../ui/copy.tsx";
import { Facts } from "../../ui/facts.tsx";
import { RelativeTime } from "../../ui/relative-time.tsx";
import { AttemptsCell, PriorityCell } from "../columns.tsx";

const link = "text-accent-text hover:underline";
const idLink = `font-mono text-xs ${link}`;

/** What is known of a job, as names and values. */
export function JobFacts({ job }: { job: JobDetail }) {
  return <Facts items={[...always(job), ...ofFlow(job), ...ofKeys(job), ...ofRun(job)]} />;
}

type Items = [string, ReactNode][];

function always(job: JobDetail): Items {
  return [
    ["Id", <Copyable key="id" text={job.id} label="the id" />],
    [
      "Queue",
      <Link key="queue" to="/jobs/queues/$name" params={{ name: job.queue }} className={link}>
        {job.queue}
      </Link>,
    ],
    ["Lane", job.lane],
    ["Priority", <PriorityCell key="priority" {...job} />],
    ["Attempts", <AttemptsCell key="attempts" {...job} />],
    ["Timeout", exactDuration(job.timeoutMs)],
    ["Created", <RelativeTime key="created" at={job.createdAt} />],
    ["Started", <RelativeTime key="started" at={job.startedAt} />],
    ["Ended", <RelativeTime key="ended" at={job.finishedAt} />],
  ];
}

function ofFlow({ id, flowId, parentId, gateForcedBy }: JobDetail): Items {
  const items: Items = [];
  if (flowId !== undefined) {
    items.push([
      "Flow",
      <Link key="flow" to="/jobs/$id" params={{ id }} search={{ tab: "flow" }} className={idLink}>
        {flowId}
      </Link>,
    ]);
  }
  if (parentId !== undefined) {
    items.push([
      "Parent",
      <Link key="parent" to="/jobs/$id" params={{ id: parentId }} className={idLink}>
        {parentId}
      </Link>,
    ]);
  }
  if (gateForcedBy !== undefined) items.push(["Gate forced by", gateForcedBy]);
  return items;
}

function ofKeys({ uniqueKey, wakeKey, limitKey }: JobDetail): Items {
  return Object.entries({ "Unique key": uniqueKey, "Wake key": wakeKey, "Limit key": limitKey }).flatMap(
    ([name, key]): Items =>
      key === undefined ? [] : [[name, <Copyable key={name} text={key} label={`the ${name.toLowerCase()}`} />]],
  );
}

function ofRun({ crashes, leaseUntil, process }: JobDetail): Items {
  const items: Items = [];
  if (crashes > 0)
    items.push([
      "Crashes",
      <span key="crashes" className="text-bad">
        {crashes}
      </span>,
    ]);
  if (leaseUntil !== undefined) items.push(["Lease until", <RelativeTime key="lease" at={leaseUntil} />]);
  if (process !== undefined) {
    items.push([
      "Process",
      <Link key="process" to="/jobs/processes/$id" params={{ id: process }} className={idLink}>
        {process}
      </Link>,
    ]);
  }
  return items;
}
