import type { Instance } from "@provost/contract";
import { useNavigate } from "@tanstack/react-router";
import { CircleX } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { usd } from "../format/numbers.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Copyable } from "../ui/copy.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { ActionDialog } from "./action-dialog.tsx";
import { showTask } from "./show-task.ts";

/** Why it failed, what to do, and what still stands and costs. */
export function FailureNote({ instance }: { instance: Instance }) {
  const { failure, tombstone } = instance;
  if (failure === undefined) return null;
  return (
    <section aria-label="What happened" className="rounded-lg border border-line border-l-2 border-l-bad bg-panel p-4">
      <div className="flex items-start gap-3">
        <CircleX aria-hidden size={18} className="mt-0.5 shrink-0 text-bad" />
        <div className="flex min-w-0 flex-1 flex-col gap-2">
          <div>
            <h2 className="text-base font-semibold">{failure.message}</h2>
            <p>{failure.whatToDo}</p>
          </div>
          {failure.providerMessage !== undefined && (
            <blockquote className="border-l-2 border-bad pl-3 text-muted">{failure.providerMessage}</blockquote>
          )}
          {failure.state !== undefined && <p className="text-muted">{failure.state}</p>}
          <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-muted">
            <span>
              Step <strong className="font-medium text-text">{failure.step}</strong>
            </span>
            <span className="font-mono">{failure.code}</span>
            {failure.exitCode !== undefined && <span>exit code {failure.exitCode}</span>}
            {failure.providerRequestId !== undefined && (
              <span className="inline-flex items-center gap-1">
                request at the provider <Copyable text={failure.providerRequestId} label="the provider's request id" />
              </span>
            )}
          </p>
          {tombstone !== undefined && <Tombstone instance={instance} tombstone={tombstone} />}
        </div>
      </div>
    </section>
  );
}

interface TombstoneProps {
  instance: Instance;
  tombstone: NonNullable<Instance["tombstone"]>;
}

/** The server of a failed instance still stands: what it costs, and the ways out. */
function Tombstone({ instance, tombstone }: TombstoneProps) {
  const [asked, setAsked] = useState<"destroy" | "release" | "adopt">();
  const mayAct = useMay("operator");
  const navigate = useNavigate();
  const close = (): void => setAsked(undefined);
  const { id, name, provider, providerId } = instance;
  return (
    <div className="mt-1 flex flex-col gap-2 border-t border-line pt-3">
      <p>
        Its server still stands and is billed since <RelativeTime at={tombstone.billedSince} />:{" "}
        <strong className="font-semibold">{usd(tombstone.costUsd)}</strong> so far. The time to decide ends{" "}
        <RelativeTime at={tombstone.expiresAt} />; nothing is done by itself.
      </p>
      {mayAct && (
        <div className="flex flex-wrap gap-2">
          <Button kind="danger" onClick={() => setAsked("destroy")}>
            Destroy it
          </Button>
          {providerId !== undefined && <Button onClick={() => setAsked("adopt")}>Adopt it back</Button>}
          <Button onClick={() => setAsked("release")}>Release it</Button>
        </div>
      )}
      {asked === "destroy" && <ActionDialog instance={instance} action="destroy" onClose={close} />}
      <Confirm
        open={asked === "adopt"}
        onClose={close}
        title={`Adopt ${name} back?`}
        action="Adopt it back"
        run={async () => {
          const adopted = await api.post<Instance>("instances/adopt", { provider, providerId });
          toastDone(`${adopted.name} is an instance again`);
          await navigate({ to: "/instances/$ref", params: { ref: adopted.id } });
        }}
      >
        <p>It becomes a live instance as it stands; its first boot is not done again.</p>
      </Confirm>
      <Confirm
        open={asked === "release"}
        onClose={close}
        title={`Release ${name}?`}
        action="Release"
        danger
        typed={name}
        run={async () => {
          await api.post(`instances/${part(id)}/release`);
          toastDone(`${name} is released`, "Its server stays, and is not ours any more.");
          await showTask(id);
        }}
      >
        <p>The server stays at {provider} and goes on costing; Provost forgets that it is ours.</p>
      </Confirm>
    </div>
  );
}
