import type { Instance, Orphan } from "@provost/contract";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { usd } from "../format/numbers.ts";
import { Confirm } from "../ui/confirm.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { toastDone } from "../ui/toast-store.ts";

interface AdoptDialogProps {
  orphan: Orphan;
  onClose: () => void;
  onAdopted: (instance: Instance) => void;
}

export function AdoptDialog({ orphan, onClose, onAdopted }: AdoptDialogProps) {
  const [name, setName] = useState("");
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Adopt ${orphan.name}?`}
      action="Adopt"
      run={async () => {
        const path = `orphans/${part(orphan.provider)}/${part(orphan.providerId)}/adopt`;
        const instance = await api.post<Instance>(path, name === "" ? {} : { name });
        toastDone(`${instance.name} is an instance again`);
        onAdopted(instance);
      }}
    >
      <p>It becomes an instance as it stands: nothing is done on it.</p>
      <Field label="What to call it here" htmlFor="adopt-name" hint="Left empty: its name at the provider, made to fit">
        <TextInput id="adopt-name" value={name} onChange={setName} aria-describedby="adopt-name-hint" />
      </Field>
    </Confirm>
  );
}

interface DestroyOrphanDialogProps {
  orphan: Orphan;
  onClose: () => void;
  onDestroyed: () => void;
}

export function DestroyOrphanDialog({ orphan, onClose, onDestroyed }: DestroyOrphanDialogProps) {
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Destroy ${orphan.name}?`}
      action="Destroy"
      danger
      typed={orphan.name}
      run={async () => {
        await api.delete(`orphans/${part(orphan.provider)}/${part(orphan.providerId)}`);
        toastDone(`Destroying ${orphan.name}`, "It leaves the list when the provider says that it is gone.");
        onDestroyed();
      }}
    >
      <p>
        The server and its disk are deleted at {orphan.provider} ({orphan.region}). This cannot be undone. It has cost{" "}
        {usd(orphan.costUsd)} so far.
      </p>
    </Confirm>
  );
}
