import type { Delivery, Listed, WebhookView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ArrowLeft, Send } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Facts } from "../ui/facts.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { DeliveryDialog } from "./delivery-dialog.tsx";
import { DeliveryStatus } from "./delivery-status.tsx";
import { WebhookActions } from "./webhook-actions.tsx";
import { tabClass, TabRow } from "../ui/status-tabs.tsx";

const idOf = ({ id }: Delivery): string => id;
const nameOf = ({ event }: Delivery): string => event;

const columns: readonly Column<Delivery>[] = [
  { id: "status", header: "Status", cell: ({ status }) => <DeliveryStatus status={status} />, width: "110px" },
  {
    id: "event",
    header: "Event",
    cell: ({ event }) => <span className="font-medium">{event}</span>,
    width: "minmax(140px, 1fr)",
  },
  { id: "attempts", header: "Attempts", cell: ({ attempts }) => attempts, width: "72px", align: "right", from: 768 },
  {
    id: "answer",
    header: "Answer",
    width: "minmax(120px, 2fr)",
    from: 768,
    cell: ({ answer }) => (
      <span className="text-muted" title={answer?.text}>
        {answer === undefined ? "" : `${answer.status ?? "none"} ${answer.text}`}
      </span>
    ),
  },
  {
    id: "next",
    header: "Again",
    cell: ({ nextAttemptAt }) => <RelativeTime at={nextAttemptAt} />,
    width: "84px",
    align: "right",
    from: 1024,
  },
  { id: "at", header: "Made", cell: ({ createdAt }) => <RelativeTime at={createdAt} />, width: "84px", align: "right" },
];

const statuses = [undefined, "pending", "delivered", "failed"] as const;

/** One webhook, and what became of what it was told. */
export function WebhookScreen() {
  const { ref } = useParams({ from: "/webhooks/$ref" });
  const { status } = useSearch({ from: "/webhooks/$ref" });
  const [shown, setShown] = useState<string>();
  const source: KeysetSource<Delivery> = {
    key: ["deliveries", ref, status],
    live: ["delivery"],
    read: (after, signal) =>
      api.get<Listed<Delivery>>(`webhooks/${part(ref)}/deliveries`, { params: { status, after }, signal }),
    idOf,
  };
  const list = useKeysetList(source);
  const {
    data: webhook,
    error,
    refetch,
  } = useQuery({
    queryKey: ["webhook", ref],
    queryFn: ({ signal }) => api.get<WebhookView>(`webhooks/${part(ref)}`, { signal }),
  });
  if (webhook === undefined) {
    return error === null ? <SkeletonRows /> : <ErrorNote error={error} retry={() => void refetch()} />;
  }
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <WebhookHead webhook={webhook} onSent={list.showFresh} />
      <StatusTabs webhook={ref} current={status} />
      <DataTable
        label="Deliveries"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={({ id }) => setShown(id)}
        empty={
          <Empty icon={Send} title="Nothing was sent yet" command={`npx provost webhook test ${webhook.name}`}>
            Send a test to see whether it arrives.
          </Empty>
        }
      />
      {shown !== undefined && (
        <DeliveryDialog webhook={ref} id={shown} onClose={() => setShown(undefined)} onSent={list.showFresh} />
      )}
    </div>
  );
}

function WebhookHead({ webhook, onSent }: { webhook: WebhookView; onSent: () => void }) {
  const navigate = useNavigate();
  return (
    <>
      <PageHead
        title={webhook.name}
        actions={
          <WebhookActions webhook={webhook} onSent={onSent} onRemoved={() => void navigate({ to: "/webhooks" })} />
        }
        above={
          <Link to="/webhooks" className="mb-1 inline-flex items-center gap-1 text-xs text-muted hover:text-text">
            <ArrowLeft aria-hidden size={13} /> Webhooks
          </Link>
        }
      />
      <div className="px-4 pb-4 md:px-6">
        <Facts
          items={[
            ["Address", webhook.url],
            [
              "Told of",
              <span key="events" title={webhook.events.join("\n")}>
                {webhook.events.join(", ")}
              </span>,
            ],
            ["Made by", webhook.createdBy ?? "–"],
            ["Made", <RelativeTime key="made" at={webhook.createdAt} />],
          ]}
        />
      </div>
    </>
  );
}

function StatusTabs({ webhook, current }: { webhook: string; current: string | undefined }) {
  return (
    <TabRow label="By status">
      {statuses.map((each) => (
        <Link
          key={each ?? "all"}
          to="/webhooks/$ref"
          params={{ ref: webhook }}
          search={{ status: each }}
          replace
          aria-current={each === current ? "page" : undefined}
          className={tabClass(each === current)}
        >
          {each ?? "all"}
        </Link>
      ))}
    </TabRow>
  );
}
