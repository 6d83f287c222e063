import type { Listed, WebhookView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, Webhook } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client.ts";
import { counted } from "../format/numbers.ts";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { AddWebhookDialog } from "./add-webhook-dialog.tsx";

/** Other servers that are told of what happens. */
export function WebhooksScreen() {
  const [adding, setAdding] = useState(false);
  const mayManage = useMay("admin");
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["webhooks"],
    queryFn: async ({ signal }) => (await api.get<Listed<WebhookView>>("webhooks", { signal })).items,
  });
  const add = mayManage && (
    <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
      Add a webhook
    </Button>
  );
  return (
    <>
      <PageHead title="Webhooks" actions={add} />
      {isPending && <SkeletonRows rows={3} />}
      {error !== null && (
        <div className="px-4 md:px-6">
          <ErrorNote error={error} retry={() => void refetch()} />
        </div>
      )}
      {data?.length === 0 && (
        <Empty
          icon={Webhook}
          title="Nobody is told yet"
          command="npx provost webhook add pager https://hooks.example.com/provost --event instance.failed"
          action={add}
        >
          Another server can be told, signed, when an instance is ready, fails, or goes missing.
        </Empty>
      )}
      {data !== undefined && data.length > 0 && (
        <ul aria-label="Webhooks" className="border-t border-line">
          {data.map(({ id, name, url, events, createdAt }) => (
            <li
              key={id}
              className="flex flex-wrap items-center gap-x-6 gap-y-1 border-b border-line px-4 py-2.5 hover:bg-hover md:px-6"
            >
              <Link
                to="/webhooks/$ref"
                params={{ ref: id }}
                className="w-40 truncate font-medium hover:text-accent-text hover:underline"
              >
                {name}
              </Link>
              <span className="min-w-0 flex-1 truncate font-mono text-xs">{url}</span>
              <span className="text-muted" title={events.join("\n")}>
                {counted(events.length, "event")}
              </span>
              <span className="w-24 text-right text-muted">
                <RelativeTime at={createdAt} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {adding && <AddWebhookDialog onClose={() => setAdding(false)} />}
    </>
  );
}
