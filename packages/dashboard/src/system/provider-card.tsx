import type { ProviderView } from "@provost/contract";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Facts } from "../ui/facts.tsx";
import { SelectInput } from "../ui/field.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";
import { Budgets, ProviderStateBadge, type ProviderHealth } from "./provider-state.tsx";
import { rereadProviders } from "./queries.ts";

interface ProviderCardProps {
  provider: ProviderView;
  health: ProviderHealth | undefined;
}

export function ProviderCard({ provider, health }: ProviderCardProps) {
  const { name, driver, endpoint, defaults } = provider;
  return (
    <section aria-label={name} className="flex flex-col gap-4 border-b border-line px-4 py-5 md:px-6">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="text-base font-semibold">{name}</h2>
        {health !== undefined && <ProviderStateBadge state={health.state} filled />}
        <div className="flex-1" />
        <ProviderActions provider={provider} braked={health?.brake !== undefined} />
      </div>
      {health !== undefined && <Troubles health={health} />}
      <Facts
        items={[
          ["Driver", driver],
          ["Address", endpoint],
          ["Default region", defaults.region ?? "–"],
          ["Default plan", defaults.type ?? "–"],
          ["Default image", defaults.image ?? "–"],
          ["Credentials", <Credentials key="check" check={health?.check} />],
          ["Looked through", <RelativeTime key="sweep" at={health?.sweep?.completeAt} />],
          ["Set up", <RelativeTime key="made" at={provider.createdAt} />],
        ]}
      />
      {health !== undefined && (
        <div>
          <h3 className="mb-1.5 text-xs text-faint">Calls that may be made now</h3>
          <Budgets budgets={health.budgets} />
        </div>
      )}
    </section>
  );
}

function Credentials({ check }: { check: ProviderHealth["check"] }) {
  if (check === undefined) return <span className="text-muted">not checked yet</span>;
  return (
    <span className={check.ok ? "" : "text-bad"} title={check.message}>
      {check.ok ? "accepted" : (check.message ?? "rejected")}, <RelativeTime at={check.at} />
    </span>
  );
}

/** What stands in the way: regions that fail, the brake, the last error. */
function Troubles({ health: { circuits, brake, lastError, sweep } }: { health: ProviderHealth }) {
  // Of a sweep that went well in the end its last error is no news.
  const unread = (sweep?.errors ?? 0) > 0 ? sweep?.lastError : undefined;
  const none = circuits.length === 0 && brake === undefined && unread === undefined;
  if (none && lastError === undefined) return null;
  return (
    <ul className="flex flex-col gap-1">
      {brake !== undefined && (
        <li className="text-warn">
          Too many instances look unwell at once: nothing is done about it until <RelativeTime at={brake.until} />, or
          until it is resumed.
        </li>
      )}
      {circuits.map(({ region, state, since, lastError: error }) => (
        <li key={region} className={state === "failing" ? "text-warn" : "text-bad"}>
          {region === "" ? "All of it" : region} is {state}, since <RelativeTime at={since} />
          {error !== undefined && `: ${error.message}`}
        </li>
      ))}
      {lastError !== undefined && (
        <li className="text-muted">
          Last error, <RelativeTime at={lastError.at} />: {lastError.message}{" "}
          <span className="font-mono text-xs">{lastError.code}</span>
        </li>
      )}
      {unread !== undefined && <li className="text-muted">Its instances could not all be read: {unread}</li>}
    </ul>
  );
}

const policies = [
  { value: "none", label: "Orphans: nothing by itself" },
  { value: "ours", label: "Orphans: destroy ours after a day" },
] as const;

function ProviderActions({ provider, braked }: { provider: ProviderView; braked: boolean }) {
  const mayManage = useMay("admin");
  const [resuming, setResuming] = useState(false);
  const [checking, setChecking] = useState(false);
  if (!mayManage) return null;
  const path = `providers/${part(provider.name)}`;
  const check = async (): Promise<void> => {
    setChecking(true);
    try {
      await api.post(`${path}/check`);
      toastDone(`${provider.name} has been asked`, "What it says of the credentials stands in its facts.");
    } catch (error) {
      toastError(error);
    } finally {
      setChecking(false);
      await rereadProviders();
    }
  };
  const setPolicy = async (policy: string): Promise<void> => {
    try {
      await api.put(`${path}/orphan-policy`, { policy });
      await rereadProviders();
      toastDone(`Orphans of ${provider.name}: ${policy}`);
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <SelectInput
        aria-label={`What is done by itself with orphans of ${provider.name}`}
        value={provider.orphans}
        onChange={(policy) => void setPolicy(policy)}
        options={policies}
        className="!w-auto"
      />
      <Button busy={checking} onClick={() => void check()}>
        Check credentials
      </Button>
      {braked && <Button onClick={() => setResuming(true)}>Resume</Button>}
      <Confirm
        open={resuming}
        onClose={() => setResuming(false)}
        title={`Resume ${provider.name}?`}
        action="Resume"
        run={async () => {
          await api.post(`${path}/resume`);
          await rereadProviders();
        }}
      >
        <p>Instances that look unwell are acted on again, though there are many.</p>
      </Confirm>
    </>
  );
}
