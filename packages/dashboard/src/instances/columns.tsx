import type { Instance } from "@provost/contract";
import { Link } from "@tanstack/react-router";
import { ShieldCheck } from "lucide-react";
import { usd } from "../format/numbers.ts";
import type { Column } from "../list/columns.ts";
import { TwoLines } from "../list/two-lines.tsx";
import { Tag } from "../ui/badge.tsx";
import { Copyable } from "../ui/copy.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { InstanceStatusBadge, progressOf, waitingWords } from "./status.tsx";

export function NameCell({ instance }: { instance: Instance }) {
  return (
    <span className="flex min-w-0 items-center gap-2">
      <Link
        to="/instances/$ref"
        params={{ ref: instance.id }}
        className="max-w-full shrink-0 truncate rounded-sm font-medium hover:text-accent-text hover:underline"
      >
        {instance.name}
      </Link>
      {instance.protected && (
        <span title="Protected: it is not destroyed before it is unprotected">
          <ShieldCheck aria-label="Protected" size={14} className="text-faint" />
        </span>
      )}
      {instance.builderOf !== undefined && <Tag title="An image is made on it; it goes when that is done">builder</Tag>}
      {/* The name comes first: tags without room stand on a second line, which is not shown. */}
      <span title={instance.tags.join(", ")} className="flex h-5 min-w-0 flex-1 flex-wrap gap-2 overflow-hidden">
        {instance.tags.slice(0, 2).map((tag) => (
          <Tag key={tag}>{tag}</Tag>
        ))}
        {instance.tags.length > 2 && <Tag>+{instance.tags.length - 2}</Tag>}
      </span>
    </span>
  );
}

/** The task under way: what it is, how far a deploy is, and what it waits for. */
export function TaskCell({ instance }: { instance: Instance }) {
  const progress = progressOf(instance);
  if (progress === undefined) return null;
  const { word, at, of } = progress;
  const waits = waitingWords(instance);
  const percent = at === undefined || of === undefined ? undefined : Math.round((at / of) * 100);
  return (
    <span className="flex min-w-0 items-center gap-2 text-muted" title={waits}>
      {percent !== undefined && (
        <progress value={at} max={of} aria-label={`Step ${at} of ${of}`} className="progress h-1 w-12 shrink-0" />
      )}
      {percent !== undefined && <span className="shrink-0">{percent}%</span>}
      <span className="truncate">
        {word}
        {waits !== undefined && " · waits"}
      </span>
    </span>
  );
}

function AddressCell({ ipv4, ipv6 }: Instance) {
  const address = ipv4[0] ?? ipv6[0];
  return address === undefined ? (
    <span className="text-faint">–</span>
  ) : (
    <Copyable text={address} label="the address" />
  );
}

const name: Column<Instance> = {
  id: "name",
  header: "Name",
  cell: (instance) => <NameCell instance={instance} />,
  width: "minmax(150px, 2fr)",
};
const status: Column<Instance> = {
  id: "status",
  header: "Status",
  cell: (instance) => <InstanceStatusBadge status={instance.status} />,
  width: "minmax(104px, 128px)",
};

export const instanceColumns: readonly Column<Instance>[] = [
  { ...status, from: 768 },
  { ...name, from: 768 },
  {
    id: "task",
    header: "Task",
    cell: (instance) => <TaskCell instance={instance} />,
    width: "minmax(88px, 1fr)",
    from: 1280,
  },
  { id: "provider", header: "Provider", cell: ({ provider }) => provider, width: "minmax(60px, 0.7fr)", from: 1024 },
  { id: "region", header: "Region", cell: ({ region }) => region, width: "minmax(80px, 0.7fr)", from: 768 },
  { id: "type", header: "Plan", cell: ({ type }) => type, width: "minmax(100px, 0.9fr)", from: 1280 },
  {
    id: "address",
    header: "Address",
    cell: (instance) => <AddressCell {...instance} />,
    width: "minmax(124px, 1fr)",
    from: 1024,
  },
  {
    id: "cost",
    header: "Cost so far",
    cell: ({ costUsd }) => usd(costUsd),
    width: "minmax(72px, 0.5fr)",
    align: "right",
    from: 1280,
  },
  {
    id: "age",
    header: "Age",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} short />,
    width: "44px",
    align: "right",
    from: 768,
  },
];

/** Those that failed: what happened, what it costs by now, and until when to decide. */
export const failedColumns: readonly Column<Instance>[] = [
  name,
  {
    id: "why",
    header: "What happened",
    cell: ({ failure }) => <span title={failure?.whatToDo}>{failure?.message ?? "–"}</span>,
    width: "minmax(200px, 4fr)",
  },
  {
    id: "provider",
    header: "Where",
    cell: ({ provider, region }) => `${provider} · ${region}`,
    width: "minmax(110px, 1fr)",
  },
  {
    id: "cost",
    header: "Cost so far",
    cell: ({ tombstone, costUsd }) => (tombstone === undefined ? "no server" : usd(tombstone.costUsd ?? costUsd)),
    width: "88px",
    align: "right",
  },
  {
    id: "decide",
    header: "To decide",
    cell: ({ tombstone }) => <RelativeTime at={tombstone?.expiresAt} />,
    width: "80px",
    align: "right",
  },
  {
    id: "age",
    header: "Age",
    cell: ({ createdAt }) => <RelativeTime at={createdAt} short />,
    width: "56px",
    align: "right",
  },
];

/** On a phone a row has two lines: name and status, then where and since when. */
export const phoneColumns: readonly Column<Instance>[] = [
  {
    id: "all",
    header: "Instance",
    width: "minmax(0, 1fr)",
    cell: (instance) => (
      <TwoLines
        name={<NameCell instance={instance} />}
        status={<InstanceStatusBadge status={instance.status} />}
        about={`${instance.provider} · ${instance.region} · ${instance.ipv4[0] ?? instance.type}`}
        when={<RelativeTime at={instance.createdAt} short />}
      />
    ),
  },
];
