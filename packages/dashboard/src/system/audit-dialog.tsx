import type { AuditEntry } from "@provost/contract";
import { absoluteTime } from "../format/time.ts";
import { Copyable } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Facts } from "../ui/facts.tsx";
import { OutcomeBadge } from "./outcome-badge.tsx";

/** One line of the log: what was changed, as it was and as it was left. */
export function AuditDialog({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const { actor, action, target, outcome, code, detail, requestId, before, after } = entry;
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return (
    <Dialog open onClose={onClose} title={action} description={absoluteTime(Date.parse(entry.at))} wide>
      <div className="flex flex-col gap-4">
        <OutcomeBadge outcome={outcome} />
        {detail !== undefined && <p>{detail}</p>}
        <Facts
          items={[
            ["Who", `${actor.name}${actor.role === undefined ? "" : ` (${actor.role})`}`],
            ["To", target.name ?? "–"],
            ["Its id", target.id === undefined ? "–" : <Copyable key="id" text={target.id} label="the id" />],
            ["Code", code ?? "–"],
            [
              "Request",
              requestId === undefined ? "–" : <Copyable key="request" text={requestId} label="the request id" />,
            ],
          ]}
        />
        {names.length > 0 && (
          <table className="w-full table-fixed text-left">
            <caption className="sr-only">What was changed</caption>
            <thead>
              <tr className="h-8 border-b border-line text-xs text-faint">
                <th scope="col" className="w-1/4 font-medium">
                  Changed
                </th>
                <th scope="col" className="font-medium">
                  Before
                </th>
                <th scope="col" className="font-medium">
                  After
                </th>
              </tr>
            </thead>
            <tbody>
              {names.map((name) => (
                <tr key={name} className="border-b border-line align-top">
                  <td className="py-1.5 pr-3">{name}</td>
                  <td className="py-1.5 pr-3 font-mono text-xs break-words text-muted">{shown(before?.[name])}</td>
                  <td className="py-1.5 font-mono text-xs break-words">{shown(after?.[name])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </Dialog>
  );
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
