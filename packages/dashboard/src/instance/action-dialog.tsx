import type { Instance } from "@provost/contract";
import { api, part } from "../api/client.ts";
import { usd } from "../format/numbers.ts";
import { Confirm } from "../ui/confirm.tsx";
import { toastDone } from "../ui/toast-store.ts";
import type { ActionName } from "./actions.ts";
import { ResizeDialog } from "./resize-dialog.tsx";
import { RestoreDialog } from "./restore-dialog.tsx";
import { showTask } from "./show-task.ts";
import { SnapshotDialog } from "./snapshot-dialog.tsx";

interface ActionDialogProps {
  instance: Instance;
  action: ActionName;
  onClose: () => void;
}

type Signal = "boot" | "reboot" | "shutdown" | "power-off";

const signals: Record<Signal, { verb: string; tells: string; danger?: boolean }> = {
  boot: { verb: "Boot", tells: "It is started." },
  reboot: { verb: "Reboot", tells: "It is stopped and started again: what runs on it is interrupted." },
  shutdown: { verb: "Shut down", tells: "It is asked to stop, in order. Its disk stays, and goes on being billed." },
  "power-off": {
    verb: "Power off",
    tells: "Its power is taken away: what was not written to disk is lost.",
    danger: true,
  },
};

/** What an action asks before it is done. */
export function ActionDialog({ instance, action, onClose }: ActionDialogProps) {
  if (action === "resize") return <ResizeDialog instance={instance} onClose={onClose} />;
  if (action === "snapshot") return <SnapshotDialog instance={instance} onClose={onClose} />;
  if (action === "restore") return <RestoreDialog instance={instance} onClose={onClose} />;
  if (action === "destroy") return <DestroyDialog instance={instance} onClose={onClose} />;
  const { verb, tells, danger = false } = signals[action];
  return (
    <Confirm
      open
      onClose={onClose}
      title={`${verb} ${instance.name}?`}
      action={verb}
      danger={danger}
      run={async () => {
        await api.post(`instances/${part(instance.id)}/${action}`, {});
        await showTask(instance.id);
        toastDone(`${verb}: ${instance.name}`, "It has been asked for; its status shows how it goes.");
      }}
    >
      <p>{tells}</p>
    </Confirm>
  );
}

function DestroyDialog({ instance, onClose }: Omit<ActionDialogProps, "action">) {
  const { name, provider, region, ipv4, costUsd, task } = instance;
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Destroy ${name}?`}
      action="Destroy"
      danger
      typed={name}
      run={async () => {
        await api.delete(`instances/${part(instance.id)}`);
        await showTask(instance.id);
        toastDone(`Destroying ${name}`, "It is gone when its status is destroyed.");
      }}
    >
      <p>
        The server and its disk are deleted at {provider} ({region}
        {ipv4[0] === undefined ? "" : `, ${ipv4[0]}`}). This cannot be undone.
      </p>
      <p>It has cost {usd(costUsd)} so far.</p>
      {task?.kind === "deploy" && <p className="text-warn">Its deploy is under way, and is cancelled.</p>}
    </Confirm>
  );
}
