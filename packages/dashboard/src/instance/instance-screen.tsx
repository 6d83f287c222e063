import type { Instance } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { useEffect } from "react";
import { catalogQuery } from "../deploy/queries.ts";
import { usd } from "../format/numbers.ts";
import { instanceQuery } from "../instances/queries.ts";
import { InstanceStatusBadge, waitingWords } from "../instances/status.tsx";
import { Tag } from "../ui/badge.tsx";
import { Copyable } from "../ui/copy.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { TabLinks } from "../ui/tabs.tsx";
import { ActionBar } from "./action-bar.tsx";
import { ActivityTab } from "./activity-tab.tsx";
import { FailureNote } from "./failure-note.tsx";
import { ProvisioningTab } from "./provisioning-tab.tsx";
import { SettingsTab } from "./settings-tab.tsx";
import { TasksTab } from "./tasks-tab.tsx";

const tabs = [
  { value: "provisioning", label: "Provisioning" },
  { value: "operations", label: "Operations" },
  { value: "activity", label: "Activity" },
  { value: "settings", label: "Settings" },
] as const;

export function InstanceScreen() {
  const { ref } = useParams({ from: "/instances/$ref" });
  const { tab } = useSearch({ from: "/instances/$ref" });
  const navigate = useNavigate();
  const { data: instance, error, refetch } = useQuery(instanceQuery(ref));
  const id = instance?.id;
  useEffect(() => {
    // By its name it was found; its id stays the same whoever has the name later.
    if (id !== undefined && id !== ref) {
      void navigate({ to: "/instances/$ref", params: { ref: id }, search: (before) => before, replace: true });
    }
  }, [id, ref, navigate]);
  if (instance === undefined) {
    return (
      <>
        <PageHead title={ref} above={<Back />} />
        {error === null ? (
          <SkeletonRows />
        ) : (
          <div className="px-4 md:px-6">
            <ErrorNote error={error} retry={() => void refetch()} />
          </div>
        )}
      </>
    );
  }
  const current = tabs.find(({ value }) => value === tab)?.value ?? "provisioning";
  return (
    <div className="flex flex-col">
      <PageHead
        title={instance.name}
        above={<Back />}
        beside={<InstanceStatusBadge status={instance.status} filled />}
        actions={<ActionBar instance={instance} />}
      />
      <div className="flex flex-col gap-4 px-4 pb-4 md:px-6">
        <Waiting instance={instance} />
        <FailureNote instance={instance} />
        <InstanceFacts instance={instance} />
      </div>
      <TabLinks label="Of this instance" tabs={tabs} current={current} />
      {current === "provisioning" && <ProvisioningTab instance={instance} />}
      {current === "operations" && <TasksTab instance={instance} />}
      {current === "activity" && <ActivityTab instance={instance} />}
      {current === "settings" && <SettingsTab instance={instance} />}
    </div>
  );
}

function Back() {
  return (
    <Link to="/instances" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
      <ArrowLeft aria-hidden size={13} /> Instances
    </Link>
  );
}

function Waiting({ instance }: { instance: Instance }) {
  const words = waitingWords(instance);
  if (words === undefined) return null;
  return (
    <p role="status" className="rounded-md border border-line bg-warn-soft px-3 py-2 text-warn">
      It {words}. No clock counts meanwhile.
    </p>
  );
}

function InstanceFacts({ instance }: { instance: Instance }) {
  const { ipv4, ipv6, tags, observed, image } = instance;
  // Some providers number their images: people know them by the label.
  const { data: catalog } = useQuery(catalogQuery(instance.provider));
  const label = catalog?.images.find(({ id }) => id === image)?.label ?? image;
  return (
    <Facts
      items={[
        ["IPv4", ipv4[0] === undefined ? "–" : <Copyable key="4" text={ipv4[0]} label="the IPv4 address" />],
        ["IPv6", ipv6[0] === undefined ? "–" : <Copyable key="6" text={ipv6[0]} label="the IPv6 address" />],
        ["Provider", instance.provider],
        ["Region", instance.region],
        ["Plan", instance.type],
        [
          "Image",
          label === image ? (
            image
          ) : (
            <span key="image" title={image}>
              {label}
            </span>
          ),
        ],
        ["Cost so far", `${usd(instance.costUsd)} · ${usd(instance.monthlyUsd)} a month`],
        ["Age", <RelativeTime key="age" at={instance.createdAt} />],
        [
          "The provider says",
          observed === undefined ? (
            "–"
          ) : (
            <span key="seen">
              {observed.status}, <RelativeTime at={observed.at} />
            </span>
          ),
        ],
        [
          "Id at the provider",
          instance.providerId === undefined ? (
            "–"
          ) : (
            <Copyable key="p" text={instance.providerId} label="the provider's id" />
          ),
        ],
        ["Id", <Copyable key="id" text={instance.id} label="the id" />],
        [
          "Tags",
          tags.length === 0 ? (
            "–"
          ) : (
            <span key="tags" className="flex gap-1">
              {tags.map((tag) => (
                <Tag key={tag}>{tag}</Tag>
              ))}
            </span>
          ),
        ],
      ]}
    />
  );
}
