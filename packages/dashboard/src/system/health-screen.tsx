import type { SystemView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, type ReactNode } from "react";
import { counted } from "../format/numbers.ts";
import { exactDuration } from "../format/time.ts";
import { useLiveState } from "../live/hooks.ts";
import { Tag } from "../ui/badge.tsx";
import { Copyable } from "../ui/copy.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { ProviderStateBadge } from "./provider-state.tsx";
import { systemQuery } from "./queries.ts";

const readEveryMs = 10_000;

/** Server, store, processes and providers, on one page. */
export function HealthScreen() {
  const { data, error, refetch } = useQuery(systemQuery);
  const paused = useLiveState().phase === "paused";
  useEffect(() => {
    if (paused) return undefined;
    const timer = setInterval(() => void refetch(), readEveryMs);
    return () => clearInterval(timer);
  }, [paused, refetch]);
  return (
    <>
      <PageHead title="Health" />
      {error !== null && (
        <div className="px-4 pb-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data === undefined && error === null && <SkeletonRows />}
      {data !== undefined && (
        <div className="flex flex-col border-t border-line">
          <ServerFacts system={data} />
          <Servers system={data} />
          <Providers system={data} />
          <Webhooks system={data} />
        </div>
      )}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-3 border-b border-line px-4 py-5 md:px-6">
      <h2 className="text-base font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function ServerFacts({ system }: { system: SystemView }) {
  return (
    <Section title="This server">
      <Facts
        items={[
          ["Version", system.version],
          ["Node", system.node],
          ["Store", `${system.store.kind} ${system.store.version}`],
          ["Up for", exactDuration(system.uptimeSeconds * 1_000)],
          ["Started", <RelativeTime key="started" at={system.startedAt} />],
          ["Deployment", <Copyable key="deployment" text={system.deployment} label="the deployment's id" />],
        ]}
      />
    </Section>
  );
}

function Servers({ system }: { system: SystemView }) {
  return (
    <Section title={counted(system.servers.length, "server process", "server processes")}>
      <ul>
        {system.servers.map(({ id, host, pid, version, seenAt, here }) => (
          <li key={id} className="flex flex-wrap items-center gap-x-6 gap-y-1 border-b border-line py-2 last:border-0">
            <span className="w-48 truncate font-medium">{host}</span>
            <span className="text-muted">pid {pid}</span>
            <span className="text-muted">{version}</span>
            {here && <Tag>answers here</Tag>}
            <span className="flex-1 text-right text-muted">
              last sign of life <RelativeTime at={seenAt} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Providers({ system }: { system: SystemView }) {
  return (
    <Section title={counted(system.providers.length, "provider")}>
      <ul>
        {system.providers.map(({ name, driver, state, sweep, lastError }) => (
          <li
            key={name}
            className="flex flex-wrap items-center gap-x-6 gap-y-1 border-b border-line py-2 last:border-0"
          >
            <Link to="/providers" className="w-48 truncate font-medium hover:underline">
              {name}
            </Link>
            <ProviderStateBadge state={state} />
            <span className="text-muted">{driver}</span>
            <span className="min-w-0 flex-1 truncate text-right text-muted">
              {lastError === undefined ? (
                <>
                  looked through <RelativeTime at={sweep?.completeAt} />
                </>
              ) : (
                lastError.message
              )}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Webhooks({ system: { webhooks } }: { system: SystemView }) {
  return (
    <Section title={counted(webhooks.count, "webhook")}>
      <p className={webhooks.failing > 0 ? "text-bad" : "text-muted"}>{webhookWords(webhooks)}</p>
    </Section>
  );
}

function webhookWords({ count: all, failing }: SystemView["webhooks"]): string {
  if (all === 0) return "Nobody is told of what happens here.";
  if (failing === 0) return "The last deliveries were taken.";
  return `${counted(failing, "webhook")} did not take the last delivery.`;
}
