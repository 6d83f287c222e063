import type { InstanceStatus } from "@provost/contract";
import type { Selectable } from "kysely";
import { isSettled, settledStatus } from "../instances/settled-status.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import type { InstanceTable } from "../storage/schema.ts";

/** What is kept of an instance that a reading can differ from. */
export type KnownInstance = Pick<
  Selectable<InstanceTable>,
  | "id"
  | "provider_id"
  | "provider_name"
  | "region"
  | "type"
  | "monthly_usd"
  | "status"
  | "task"
  | "observed_status"
  | "observed_text"
  | "ipv4"
  | "ipv6"
> & {
  archived_at: number | null;
  accepted_at: number | null;
  observed_at: number | null;
  observed_backups: number | null;
  absent_sweep: number | null;
};

/** What a reading makes of a row; told as one event. */
export interface Change {
  /** False: it says what is known already. */
  isNew: boolean;
  columns: {
    observed_status: string;
    observed_text: string;
    ipv4: string;
    ipv6: string;
    provider_name: string;
    type: string;
    status: InstanceStatus;
    observed_backups: number | null;
  };
  told: { kind: "changed" | "returned"; message: string } | undefined;
}

const compared = [
  "observed_status",
  "observed_text",
  "ipv4",
  "ipv6",
  "provider_name",
  "type",
  "status",
  "observed_backups",
] as const satisfies readonly (keyof Change["columns"])[];

/**
 * C13: what a reading says beside what is known. Changes made elsewhere are taken over and told; while a task is under way,
 * and on what is archived, only what the provider says is kept.
 */
export function changeOf(row: KnownInstance, seen: ProviderInstance): Change {
  const rests = isSettled(row);
  const columns = {
    observed_status: seen.status,
    observed_text: seen.statusText,
    ipv4: JSON.stringify(seen.ipv4),
    ipv6: JSON.stringify(seen.ipv6),
    provider_name: rests ? seen.name : row.provider_name,
    type: rests && seen.type !== "" ? seen.type : row.type,
    status: rests ? settledStatus(row.status, seen.status) : row.status,
    observed_backups: rests && seen.backups !== undefined ? Number(seen.backups) : row.observed_backups,
  };
  const differs = compared.some((name) => row[name] !== columns[name]);
  return { isNew: differs || row.absent_sweep !== null, columns, told: rests ? toldOf(row, columns) : undefined };
}

function toldOf(row: KnownInstance, now: Change["columns"]): Change["told"] {
  const changes = [
    ...(now.status === row.status || row.status === "missing"
      ? []
      : [`it is ${now.status === "stopped" ? "stopped" : "running"} now`]),
    ...difference("plan", row.type, now.type),
    ...difference("name", row.provider_name, now.provider_name),
    ...backupsTold(row.observed_backups, now.observed_backups),
    ...difference("IPv4", listed(row.ipv4), listed(now.ipv4)),
    ...difference("IPv6", listed(row.ipv6), listed(now.ipv6)),
  ];
  const what = changes.length === 0 ? "" : `changed elsewhere: ${changes.join("; ")}`;
  if (row.status === "missing") {
    const back = `The provider shows it again, as ${now.observed_text}`;
    return { kind: "returned", message: what === "" ? back : `${back}; ${what}` };
  }
  return what === "" ? undefined : { kind: "changed", message: what };
}

/** A reading without a value says nothing: a stopped container shows no addresses. */
function difference(what: string, before: string, after: string): string[] {
  return before === after || before === "" || after === "" ? [] : [`${what} ${before} → ${after}`];
}

function backupsTold(before: number | null, after: number | null): string[] {
  if (before === after || before === null || after === null) return [];
  return [after === 1 ? "daily backups are on" : "daily backups are OFF"];
}

function listed(json: string): string {
  const all: unknown = JSON.parse(json);
  return Array.isArray(all) ? all.join(", ") : "";
}
