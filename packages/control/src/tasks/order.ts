import { ProvostError, type BackupView, type TaskOrder } from "@provost/contract";
import type { ProviderService } from "../accounts/provider-service.ts";
import { asProvostError } from "../accounts/provider-words.ts";
import { chosen } from "../instances/deploy-plan.ts";
import { isGone } from "./preconditions.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { TaskInput, TaskRow } from "./task-row.ts";

/** What is asked, with everything that the provider must have for it looked up. */
export type CheckedOrder = TaskOrder & { input: TaskInput };

/**
 * Checks the parts of an order against the provider; the state of the instance is not looked at.
 *
 * @throws ProvostError `type_not_found`, `backup_not_found`, `backup_not_available`, `backups_not_offered`, `instance_not_ready`, …
 */
export async function checkedOrder(
  providers: ProviderService,
  row: InstanceRow,
  order: TaskOrder,
): Promise<CheckedOrder> {
  if (order.kind === "resize") {
    const { account } = await providers.open(row.provider);
    const type = await offeredType(providers, account, row.provider, order.type);
    return { ...order, input: { type: type.id, monthlyUsd: type.monthlyUsd } };
  }
  if (order.kind === "snapshot") {
    const { account } = await providers.open(row.provider);
    if (account.capabilities.snapshots === "none") {
      throw new ProvostError("backups_not_offered", `${row.provider} takes no snapshots.`);
    }
    return { ...order, input: order.label === undefined ? {} : { label: order.label } };
  }
  if (order.kind === "restore") {
    const backup = await restorable(providers, row, order.backup);
    return { ...order, input: { backup: backup.id, label: backup.label } };
  }
  return { ...order, input: {} };
}

/** The backups of an instance at its provider, newest last. */
export async function readBackups(providers: ProviderService, row: InstanceRow): Promise<BackupView[]> {
  const id = row.provider_id;
  if (id === null || isGone(row)) {
    throw new ProvostError("instance_not_ready", `${row.name} is ${row.status}: it has no backups to show.`);
  }
  const { account } = await providers.open(row.provider);
  try {
    return await account.call((provider, call) => provider.backups(id, call), undefined, {
      region: row.region,
      waiter: row.id,
    });
  } catch (error) {
    throw asProvostError(error, row.provider);
  }
}

/** What a task that waited was asked for. */
export function orderOf({ kind, input }: TaskRow): TaskOrder {
  if (kind === "resize") return { kind, type: input.type ?? "" };
  if (kind === "restore") return { kind, backup: input.backup ?? "" };
  return kind === "snapshot" ? { kind, label: input.label } : { kind };
}

/** By the catalog, which is asked for anew before a type is refused: a new one counts at once. */
async function offeredType(
  providers: ProviderService,
  account: Parameters<ProviderService["catalogOf"]>[0],
  provider: string,
  type: string,
) {
  const catalog = await providers.catalogOf(account);
  const known = catalog.types.find(({ id }) => id === type);
  return known ?? chosen("type", type, (await providers.catalogOf(account, 0)).types, provider);
}

/** By id or label. */
async function restorable(providers: ProviderService, row: InstanceRow, wanted: string): Promise<BackupView> {
  const all = await readBackups(providers, row);
  const found = all.find(({ id }) => id === wanted) ?? all.findLast(({ label }) => label === wanted);
  if (found === undefined) {
    const some = all.map(({ id, label }) => (label === "" || label === id ? id : `${id} (${label})`));
    const way = some.length === 0 ? "it has none yet" : `there is ${some.slice(-5).join(", ")}`;
    const shown = JSON.stringify(wanted.slice(0, 80));
    throw new ProvostError("backup_not_found", `${row.name} has no backup ${shown}: ${way}.`, { field: "backup" });
  }
  if (found.status === "available") return found;
  throw new ProvostError(
    "backup_not_available",
    `The backup ${found.id} of ${row.name} is ${found.status}: restore one that is available.`,
    { field: "backup" },
  );
}
