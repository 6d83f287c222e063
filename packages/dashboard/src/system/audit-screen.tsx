import type { AuditEntry, Listed } from "@provost/contract";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { api } from "../api/client.ts";
import type { Column } from "../list/columns.ts";
import { DataTable } from "../list/data-table.tsx";
import { QueryBar } from "../list/query-bar.tsx";
import { formatQuery, parseQuery } from "../list/query.ts";
import { useKeysetList, type KeysetSource } from "../list/use-keyset-list.ts";
import { Empty } from "../ui/empty.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { AuditDialog } from "./audit-dialog.tsx";
import { OutcomeBadge } from "./outcome-badge.tsx";

const keys = ["actor", "action", "target"] as const;
const known = [
  { key: "actor", hint: "name or id of a token" },
  { key: "action", hint: "instance.destroy, …" },
  { key: "target", hint: "name or id of what it was done to" },
] as const;

const idOf = ({ seq }: AuditEntry): string => String(seq);
const nameOf = ({ action, target }: AuditEntry): string => `${action} ${target.name ?? ""}`;

const columns: readonly Column<AuditEntry>[] = [
  { id: "at", header: "When", cell: ({ at }) => <RelativeTime at={at} />, width: "68px" },
  { id: "actor", header: "Who", cell: ({ actor }) => actor.name, width: "minmax(52px, 1fr)" },
  {
    id: "action",
    header: "Did",
    cell: ({ action }) => <span className="font-medium">{action}</span>,
    width: "minmax(96px, 1.4fr)",
  },
  {
    id: "target",
    header: "To",
    cell: ({ target }) => target.name ?? target.id ?? "–",
    width: "minmax(80px, 1.4fr)",
    from: 768,
  },
  { id: "outcome", header: "Outcome", cell: ({ outcome }) => <OutcomeBadge outcome={outcome} />, width: "86px" },
  {
    id: "detail",
    header: "Detail",
    cell: ({ detail, code }) => <span className="text-muted">{detail ?? code ?? ""}</span>,
    width: "minmax(120px, 3fr)",
    from: 1024,
  },
];

/** Who did what to which thing, and what came of it. */
export function AuditScreen() {
  const given = useSearch({ from: "/audit" });
  const navigate = useNavigate();
  const [shown, setShown] = useState<AuditEntry>();
  const text = formatQuery({ terms: Object.fromEntries(keys.map((key) => [key, given[key] ?? ""])), words: "" });
  const [typed, setTyped] = useState(text);
  const query = useMemo(() => parseQuery(typed, keys), [typed]);
  const source: KeysetSource<AuditEntry> = {
    key: ["audit", given],
    // Whatever happens to an instance may have been asked for by someone.
    live: ["instance", "fleet", "image", "provider"],
    read: (after, signal) => api.get<Listed<AuditEntry>>("audit", { params: { ...given, after }, signal }),
    idOf,
  };
  const list = useKeysetList(source);
  const search = useCallback(
    (next: string) => {
      setTyped(next);
      const { terms } = parseQuery(next, keys);
      void navigate({
        to: "/audit",
        search: { actor: terms["actor"], action: terms["action"], target: terms["target"] },
        replace: true,
      });
    },
    [navigate],
  );
  const problem =
    query.problem ??
    (query.words === "" ? undefined : `Free words mean nothing here: write actor:${query.words.split(" ")[0]}`);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title="Audit" />
      <div className="border-b border-line px-4 pb-2 md:px-6">
        <QueryBar
          label="Search the audit log"
          placeholder="actor:alice action:instance.destroy target:web-1"
          value={typed}
          onChange={search}
          keys={known}
          problem={problem}
        />
      </div>
      <DataTable
        label="Audit log"
        columns={columns}
        list={list}
        idOf={idOf}
        nameOf={nameOf}
        onOpen={setShown}
        empty={
          <Empty icon={ScrollText} title="Nothing fits" command="npx provost audit">
            Every action that was done, refused or failed has a line here.
          </Empty>
        }
      />
      {shown !== undefined && <AuditDialog entry={shown} onClose={() => setShown(undefined)} />}
    </div>
  );
}
