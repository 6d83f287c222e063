import { ProvostError, type TaskKind, type TaskOrder } from "@provost/contract";
import type { Account } from "../accounts/account.ts";
import { asProvostError } from "../accounts/provider-words.ts";
import { passing } from "../instances/failure.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import { titleOf } from "./rules.ts";

/** What is known of the instance: as the provider says now, else as it was seen last. */
export interface Known {
  power: string | undefined;
  type: string;
}

/** Closed for good: destroyed, or released with its server left where it is. */
export function isGone({ status }: InstanceRow): boolean {
  return status === "destroyed" || status === "released";
}

/** C9: why this cannot be done to the instance as it stands; undefined when it can. */
export function refusal(row: InstanceRow, order: TaskOrder, known: Known): ProvostError | undefined {
  if (order.kind === "destroy") {
    if (!isGone(row)) return row.protected === 1 ? isProtected(row) : undefined;
    return new ProvostError("instance_not_ready", `${row.name} is ${row.status}: there is nothing left of it here.`);
  }
  if (row.archived_at !== null || row.provider_id === null || row.status === "missing") {
    return new ProvostError(
      "instance_not_ready",
      `${row.name} is ${row.status}: ${titleOf(order.kind).toLowerCase()} is for instances that were provisioned.`,
    );
  }
  if (order.kind === "boot" && known.power === "running") {
    return new ProvostError("instance_running", `${row.name} is running already: there is nothing to boot.`);
  }
  if (needsPower(order.kind) && known.power === "stopped") {
    const way = order.kind === "reboot" ? "boot it instead" : "there is nothing to stop";
    return new ProvostError("instance_stopped", `${row.name} is stopped already: ${way}.`);
  }
  if (order.kind === "resize" && order.type === known.type) {
    return new ProvostError("type_unchanged", `${row.name} has the type ${order.type} already: choose another.`, {
      field: "type",
    });
  }
  return undefined;
}

function needsPower(kind: TaskKind): boolean {
  return kind === "reboot" || kind === "shutdown" || kind === "power-off";
}

/** C9: the task under way is named, so that one can wait for it. */
export function busy(row: InstanceRow, waiting: number): ProvostError {
  const what = row.task === null ? `${waiting} tasks waiting` : `a task under way: ${row.task}`;
  const id = row.task_id === null ? "" : ` (${row.task_id})`;
  return new ProvostError(
    "task_in_progress",
    `${row.name} has ${what}${id}. Ask again when that has ended, or ask to wait for it.`,
  );
}

function isProtected(row: InstanceRow): ProvostError {
  return new ProvostError(
    "instance_protected",
    `${row.name} is protected from being destroyed: provost instance unprotect ${row.name}`,
  );
}

/** What is known before anything is asked for; a provider that is down now must not keep anybody from asking. */
export async function knownOf(row: InstanceRow, account: Account): Promise<{ known: Known; seen?: ProviderInstance }> {
  const last: Known = { power: row.observed_status ?? undefined, type: row.type };
  const id = row.provider_id;
  if (id === null) return { known: last };
  let seen: ProviderInstance | undefined;
  try {
    seen = await account.call((provider, call) => provider.get(id, call), undefined, {
      region: row.region,
      waiter: row.id,
    });
  } catch (error) {
    if (error instanceof ProviderError && passing(error)) return { known: last };
    throw asProvostError(error, row.provider);
  }
  if (seen !== undefined) return { seen, known: { power: seen.status, type: seen.type } };
  throw new ProvostError(
    "instance_not_ready",
    `${row.provider} says that it has no server ${id} any more: ${row.name} can only be destroyed.`,
  );
}
