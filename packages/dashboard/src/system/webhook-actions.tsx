import type { Delivery, WebhookView } from "@provost/contract";
import { Send, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";

interface WebhookActionsProps {
  webhook: WebhookView;
  onSent: () => void;
  onRemoved: () => void;
}

export function WebhookActions({ webhook: { id, name }, onSent, onRemoved }: WebhookActionsProps) {
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const test = async (): Promise<void> => {
    setBusy(true);
    try {
      await api.post<Delivery>(`webhooks/${part(id)}/test`);
      toastDone("A test is sent", "The list shows what came of it.");
      onSent();
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button icon={Send} busy={busy} onClick={() => void test()}>
        Send a test
      </Button>
      <Button kind="danger" icon={Trash2} onClick={() => setAsked(true)}>
        Remove
      </Button>
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={`Remove ${name}?`}
        action="Remove"
        danger
        typed={name}
        run={async () => {
          await api.delete(`webhooks/${part(id)}`);
          await queryClient.invalidateQueries({ queryKey: ["webhooks"] });
          toastDone(`${name} is removed`);
          onRemoved();
        }}
      >
        <p>What is not delivered yet is given up.</p>
      </Confirm>
    </>
  );
}
