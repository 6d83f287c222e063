import type { Instance, TaskView } from "@provost/contract";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { Confirm } from "../ui/confirm.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { showTask } from "./show-task.ts";

export function SnapshotDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const [label, setLabel] = useState("");
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Snapshot ${instance.name}`}
      action="Take it"
      run={async () => {
        await api.post<TaskView>(`instances/${part(instance.id)}/snapshot`, label === "" ? {} : { label });
        await showTask(instance.id);
        toastDone(`Taking a snapshot of ${instance.name}`);
      }}
    >
      <p>A backup is taken now; it goes on running.</p>
      <Field label="Label" htmlFor="label" hint="3–40 characters of a–z, 0–9 and -; left empty, one is made up">
        <TextInput id="label" value={label} onChange={setLabel} autoComplete="off" aria-describedby="label-hint" />
      </Field>
    </Confirm>
  );
}
