import type { Delivery, DeliveryWithBody } from "@provost/contract";
import { useMutation, useQuery } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { api, part } from "../api/client.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { DeliveryStatus } from "./delivery-status.tsx";

interface DeliveryDialogProps {
  webhook: string;
  id: string;
  onClose: () => void;
  onSent: () => void;
}

/** One delivery: what was sent, what was answered, and sending it again. */
export function DeliveryDialog({ webhook, id, onClose, onSent }: DeliveryDialogProps) {
  const path = `webhooks/${part(webhook)}/deliveries/${part(id)}`;
  const { data, error } = useQuery({
    queryKey: ["delivery", id],
    queryFn: ({ signal }) => api.get<DeliveryWithBody>(path, { signal }),
    meta: { live: [`delivery/${id}`] },
  });
  const again = useMutation({
    mutationFn: () => api.post<Delivery>(`${path}/redeliver`),
    onSuccess: () => {
      toastDone("It is sent again");
      onSent();
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      title={data?.event ?? "Delivery"}
      wide
      footer={
        <Button icon={RotateCw} busy={again.isPending} onClick={() => again.mutate()}>
          Send it again
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {error !== null && <ErrorNote error={error} />}
        {again.error !== null && <ErrorNote error={again.error} />}
        {data === undefined && error === null && <Skeleton className="h-40" />}
        {data !== undefined && (
          <>
            <DeliveryStatus status={data.status} />
            <Facts
              items={[
                ["Attempts", String(data.attempts)],
                ["Last attempt", <RelativeTime key="last" at={data.lastAttemptAt} />],
                ["Next attempt", <RelativeTime key="next" at={data.nextAttemptAt} />],
                ["HTTP status", String(data.answer?.status ?? "none")],
              ]}
            />
            {data.answer !== undefined && <Block title="Answer" text={data.answer.text} />}
            <Block title="Sent" text={pretty(data.body)} />
          </>
        )}
      </div>
    </Dialog>
  );
}

function Block({ title, text }: { title: string; text: string }) {
  return (
    <section>
      <div className="flex items-center justify-between">
        <h3 className="font-medium">{title}</h3>
        <CopyButton text={text} label={title.toLowerCase()} />
      </div>
      <pre
        tabIndex={0}
        className="max-h-56 overflow-auto rounded-md border border-line bg-panel p-3 font-mono text-xs whitespace-pre-wrap"
      >
        {text}
      </pre>
    </section>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
