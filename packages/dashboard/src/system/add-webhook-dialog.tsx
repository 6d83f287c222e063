import type { CreatedWebhook, WebhookEvent, WebhookRequest } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { FormDialog } from "../ui/form-dialog.tsx";
import { Secret } from "../ui/secret.tsx";
import { offered, usual } from "./webhook-events.ts";

/** Adds a webhook and shows its secret, this once. */
export function AddWebhookDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [url, setUrl] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<WebhookEvent>>(new Set(usual));
  const add = useMutation({
    mutationFn: () =>
      api.post<CreatedWebhook>("webhooks", {
        name: name.trim(),
        url: url.trim(),
        events: [...chosen],
      } satisfies WebhookRequest),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["webhooks"] }),
  });
  if (add.data !== undefined) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={`Secret of ${add.data.name}`}
        description="It signs every delivery, as Standard Webhooks has it."
        footer={<Button onClick={onClose}>I have kept it</Button>}
      >
        <Secret text={add.data.secret} label="the secret" />
      </Dialog>
    );
  }
  return (
    <FormDialog
      title="Add a webhook"
      action="Add"
      onClose={onClose}
      onSubmit={() => add.mutate()}
      incomplete={name.trim() === "" || url.trim() === "" || chosen.size === 0}
      busy={add.isPending}
      error={add.error}
    >
      <Field label="Name" htmlFor="webhook-name">
        <TextInput id="webhook-name" value={name} onChange={setName} placeholder="pager" autoComplete="off" autoFocus />
      </Field>
      <Field label="Address" htmlFor="webhook-url" hint="https, without user, password or fragment">
        <TextInput
          id="webhook-url"
          type="url"
          value={url}
          onChange={setUrl}
          placeholder="https://hooks.example.com/provost"
          aria-describedby="webhook-url-hint"
        />
      </Field>
      <fieldset>
        <legend className="mb-1.5 font-medium">Told of</legend>
        <div className="grid gap-1 sm:grid-cols-2">
          {offered.map((event) => (
            <label key={event} className="flex items-center gap-2">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={chosen.has(event)}
                onChange={() => setChosen(flipped(chosen, event))}
              />
              <span className="font-mono text-xs">{event}</span>
            </label>
          ))}
        </div>
      </fieldset>
    </FormDialog>
  );
}

function flipped<T>(set: ReadonlySet<T>, item: T): Set<T> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}
