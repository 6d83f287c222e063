import type { Listed, TokenView } from "@provost/contract";
import { Ban, CircleCheck, Clock, KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { StatusBadge, Tag } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { CreateTokenDialog } from "./create-token-dialog.tsx";

const idOf = ({ id }: TokenView): string => id;
const nameOf = ({ name }: TokenView): string => name;

const source: KeysetSource<TokenView> = {
  key: ["tokens"],
  live: [],
  read: (after, signal) => api.get<Listed<TokenView>>("tokens", { params: { after }, signal }),
  idOf,
};

const looks = {
  active: { tone: "good", icon: CircleCheck },
  expired: { tone: "idle", icon: Clock },
  revoked: { tone: "idle", icon: Ban },
} as const;

const facts: readonly Column<TokenView>[] = [
  {
    id: "status",
    header: "Status",
    cell: ({ status }) => <StatusBadge {...looks[status]}>{status}</StatusBadge>,
    width: "84px",
  },
  {
    id: "name",
    header: "Name",
    cell: ({ name }) => <span className="font-medium">{name}</span>,
    width: "minmax(72px, 2fr)",
  },
  { id: "role", header: "Role", cell: ({ role }) => <Tag>{role}</Tag>, width: "68px" },
  {
    id: "used",
    header: "Last used",
    cell: ({ lastUsedAt }) => <RelativeTime at={lastUsedAt} />,
    width: "100px",
    from: 768,
  },
  {
    id: "expires",
    header: "Ends",
    cell: ({ expiresAt }) =>
      expiresAt === undefined ? <span className="text-muted">never</span> : <RelativeTime at={expiresAt} />,
    width: "100px",
    from: 768,
  },
  { id: "by", header: "Made by", cell: ({ createdBy }) => createdBy ?? "–", width: "minmax(90px, 1fr)", from: 1024 },
  { id: "age", header: "Made", cell: ({ createdAt }) => <RelativeTime at={createdAt} />, width: "100px", from: 1024 },
];

/** Who may come in, and as what. */
export function TokensScreen() {
  const list = useKeysetList(source);
  const mayManage = useMay("admin");
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<TokenView>();
  const columns: Column<TokenView>[] = [
    ...facts,
    {
      id: "actions",
      header: "Actions",
      width: "76px",
      align: "right",
      cell: (token) =>
        token.status === "active" && (
          <Button kind="danger" onClick={() => setRevoking(token)} aria-label={`Revoke ${token.name}`}>
            Revoke
          </Button>
        ),
    },
  ];
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead
        title="Tokens"
        actions={
          mayManage && (
            <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
              Make a token
            </Button>
          )
        }
      />
      <p className="border-b border-line px-4 pb-3 text-muted md:px-6">
        A viewer reads. An operator deploys, signals and destroys too. An admin manages tokens, providers and webhooks.
      </p>
      <DataTable
        label="Access tokens"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={() => {}}
        empty={
          <Empty
            icon={KeyRound}
            title="No tokens"
            command="npx provost token create ci-1 --role operator --expires 90d"
          >
            Make one for every person and program, with the least role that does.
          </Empty>
        }
      />
      {making && <CreateTokenDialog onClose={() => setMaking(false)} onMade={list.showFresh} />}
      {revoking !== undefined && (
        <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} onRevoked={list.showFresh} />
      )}
    </div>
  );
}

interface RevokeDialogProps {
  token: TokenView;
  onClose: () => void;
  onRevoked: () => void;
}

function RevokeDialog({ token: { id, name }, onClose, onRevoked }: RevokeDialogProps) {
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Revoke ${name}?`}
      action="Revoke"
      danger
      run={async () => {
        await api.delete(`tokens/${part(id)}`);
        toastDone(`${name} is revoked`);
        onRevoked();
      }}
    >
      <p>Whoever uses it is shut out at once, open pages included. This cannot be undone.</p>
    </Confirm>
  );
}
