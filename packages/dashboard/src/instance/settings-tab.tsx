import type { Instance, RootPassword } from "@provost/contract";
import { useState, type ReactNode } from "react";
import { api, part } from "../api/client.ts";
import { splitTags } from "../deploy/order.ts";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Copyable } from "../ui/copy.tsx";
import { TextInput } from "../ui/field.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";
import { showTask } from "./show-task.ts";

export function SettingsTab({ instance }: { instance: Instance }) {
  const mayAct = useMay("operator");
  const gone = instance.status === "destroyed" || instance.status === "released";
  return (
    <div className="flex max-w-3xl flex-col px-4 md:px-6">
      <Setting title="Tags" tells="To find instances together; the provider does not know them.">
        {mayAct && !gone ? <Tags instance={instance} /> : <span>{instance.tags.join(", ") || "none"}</span>}
      </Setting>
      <Setting title="Protection" tells="A protected instance is not destroyed before it is unprotected.">
        {mayAct && !gone ? <Protection instance={instance} /> : <span>{instance.protected ? "on" : "off"}</span>}
      </Setting>
      <Setting title="Root password" tells="Where the provider demanded one. It is shown once, and is gone then.">
        <Password instance={instance} mayReveal={mayAct} />
      </Setting>
      {mayAct && !gone && <ReleaseSetting instance={instance} />}
    </div>
  );
}

function Setting({ title, tells, children }: { title: string; tells: string; children: ReactNode }) {
  return (
    <section className="flex flex-wrap items-center justify-between gap-x-8 gap-y-2 border-b border-line py-4">
      <div>
        <h2 className="font-medium">{title}</h2>
        <p className="text-muted">{tells}</p>
      </div>
      <div className="flex items-center gap-2">{children}</div>
    </section>
  );
}

function Tags({ instance }: { instance: Instance }) {
  const [text, setText] = useState(instance.tags.join(", "));
  const [busy, setBusy] = useState(false);
  const tags = splitTags(text);
  const changed = tags.toSorted().join() !== instance.tags.toSorted().join();
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      await api.put(`instances/${part(instance.id)}/tags`, { tags });
      await showTask(instance.id);
      toastDone("Tags saved");
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <TextInput aria-label="Tags" value={text} onChange={setText} placeholder="web, team:shop" className="w-56" />
      <Button type="submit" busy={busy} disabled={!changed}>
        Save
      </Button>
    </form>
  );
}

function Protection({ instance }: { instance: Instance }) {
  const [busy, setBusy] = useState(false);
  const { protected: kept, id } = instance;
  const flip = async (): Promise<void> => {
    setBusy(true);
    try {
      await api.post(`instances/${part(id)}/${kept ? "unprotect" : "protect"}`);
      await showTask(id);
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button busy={busy} onClick={() => void flip()}>
      {kept ? "Unprotect" : "Protect"}
    </Button>
  );
}

function Password({ instance, mayReveal }: { instance: Instance; mayReveal: boolean }) {
  const [password, setPassword] = useState<string>();
  if (password !== undefined) return <Copyable text={password} label="the root password" />;
  if (instance.rootPassword === "none") return <span className="text-muted">there is none</span>;
  if (instance.rootPassword === "shown") return <span className="text-muted">has been shown</span>;
  if (!mayReveal) return <span className="text-muted">sealed</span>;
  return (
    <Button
      onClick={() =>
        void api.post<RootPassword>(`instances/${part(instance.id)}/root-password`).then(
          ({ rootPassword }) => setPassword(rootPassword),
          (error: unknown) => toastError(error),
        )
      }
    >
      Show it once
    </Button>
  );
}

function ReleaseSetting({ instance }: { instance: Instance }) {
  const [open, setOpen] = useState(false);
  return (
    <Setting title="Release" tells="Provost lets it go: the server stays at the provider, and is not ours any more.">
      <Button kind="danger" onClick={() => setOpen(true)}>
        Release
      </Button>
      <Confirm
        open={open}
        onClose={() => setOpen(false)}
        title={`Release ${instance.name}?`}
        action="Release"
        danger
        typed={instance.name}
        run={async () => {
          await api.post(`instances/${part(instance.id)}/release`);
          await showTask(instance.id);
          toastDone(`${instance.name} is released`);
        }}
      >
        <p>The server stays and goes on costing; it can be adopted again.</p>
      </Confirm>
    </Setting>
  );
}
