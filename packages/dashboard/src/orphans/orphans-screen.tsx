import type { Listed, Orphan, SweepView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { api } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { usd } from "../format/numbers.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { Tag } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Copyable } from "../ui/copy.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { AdoptDialog, DestroyOrphanDialog } from "./orphan-dialogs.tsx";

const idOf = ({ provider, providerId }: Orphan): string => `${provider}/${providerId}`;
const nameOf = ({ name }: Orphan): string => name;

const source: KeysetSource<Orphan> = {
  key: ["orphans"],
  live: ["orphan"],
  read: (after, signal) => api.get<Listed<Orphan>>("orphans", { params: { after }, signal }),
  idOf,
};

type Asked = { what: "adopt" | "destroy"; orphan: Orphan };

/** Servers that carry our tag and are in no record: they cost, and nobody knows them. */
export function OrphansScreen() {
  const list = useKeysetList(source);
  const navigate = useNavigate();
  const mayAct = useMay("operator");
  const [asked, setAsked] = useState<Asked>();
  const close = (): void => setAsked(undefined);
  const columns = mayAct ? [...facts, actionsColumn(setAsked)] : facts;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Orphans" />
      <p className="border-b border-line px-4 pb-3 text-muted md:px-6">
        Servers that carry this deployment&apos;s tag and are not known here. <Sweeps />
      </p>
      <DataTable
        label="Orphans"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={(orphan) => mayAct && setAsked({ what: "adopt", orphan })}
        empty={
          <Empty icon={ShieldCheck} title="No orphans" command="npx provost orphan list">
            Every server that carries our tag is known. The providers are looked through all the time.
          </Empty>
        }
      />
      {asked?.what === "adopt" && (
        <AdoptDialog
          orphan={asked.orphan}
          onClose={close}
          onAdopted={({ id }) => void navigate({ to: "/instances/$ref", params: { ref: id } })}
        />
      )}
      {asked?.what === "destroy" && (
        <DestroyOrphanDialog orphan={asked.orphan} onClose={close} onDestroyed={list.showFresh} />
      )}
    </div>
  );
}

const facts: readonly Column<Orphan>[] = [
  {
    id: "name",
    header: "Name at the provider",
    width: "minmax(90px, 2fr)",
    cell: ({ name, destroying }) => (
      <span className="flex items-center gap-2">
        <span className="truncate font-medium">{name}</span>
        {destroying && <Tag>being destroyed</Tag>}
      </span>
    ),
  },
  {
    id: "provider",
    header: "Provider",
    cell: ({ provider, region }) => `${provider} · ${region}`,
    width: "minmax(120px, 1fr)",
    from: 768,
  },
  { id: "status", header: "It says", cell: ({ status }) => status, width: "90px", from: 1024 },
  { id: "type", header: "Plan", cell: ({ type }) => type, width: "minmax(104px, 1fr)", from: 1024 },
  {
    id: "id",
    header: "Id",
    cell: ({ providerId }) => <Copyable text={providerId} label="the provider's id" />,
    width: "minmax(110px, 1fr)",
    from: 1280,
  },
  { id: "cost", header: "Cost so far", cell: ({ costUsd }) => usd(costUsd), width: "88px", align: "right", from: 768 },
  {
    id: "seen",
    header: "First seen",
    cell: ({ firstSeenAt }) => <RelativeTime at={firstSeenAt} />,
    width: "92px",
    align: "right",
    from: 768,
  },
];

function actionsColumn(ask: (asked: Asked) => void): Column<Orphan> {
  return {
    id: "actions",
    header: "Actions",
    width: "170px",
    align: "right",
    cell: (orphan) => (
      <span className="flex justify-end gap-1.5">
        <Button disabled={orphan.destroying} onClick={() => ask({ what: "adopt", orphan })}>
          Adopt
        </Button>
        <Button kind="danger" disabled={orphan.destroying} onClick={() => ask({ what: "destroy", orphan })}>
          Destroy
        </Button>
      </span>
    ),
  };
}

/** How fresh this list is: when each provider was last looked through to its end. */
function Sweeps() {
  const { data } = useQuery({
    queryKey: ["sweeps"],
    queryFn: async ({ signal }) => (await api.get<Listed<SweepView>>("sweeps", { signal })).items,
    meta: { live: ["orphan", "provider"] },
  });
  return data?.map(({ provider, complete, errors, lastError }) => (
    <span key={provider} className="mr-3 whitespace-nowrap">
      {provider}:{" "}
      {complete === undefined ? (
        "not looked through yet"
      ) : (
        <>
          looked through <RelativeTime at={complete.endedAt} />
        </>
      )}
      {errors > 0 && <span className="text-warn"> ({lastError})</span>}.
    </span>
  ));
}
