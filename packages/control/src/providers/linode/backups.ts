import { z } from "zod";
import type { Backup } from "../backup.ts";
import type { Call } from "../provider.ts";
import type { LinodeClient } from "./client.ts";
import { instancePath, instant } from "./instance.ts";
import { backupSchema, backupsSchema, type LinodeBackup } from "./shapes.ts";

/** Linode's words while a backup is under way: `pending`, `running`, `needsPostProcessing`, `paused`. */
const ended: Readonly<Record<string, Backup["status"]>> = {
  successful: "available",
  failed: "failed",
  userAborted: "failed",
};

/** The backup service keeps a daily and two older ones, and one snapshot: taking another deletes it (reference, "Create a snapshot") (C3). */
export async function readBackups(client: LinodeClient, id: string, call: Call): Promise<Backup[]> {
  const { automatic, snapshot } = await client.send(
    { what: `list the backups of instance ${id}`, reads: true },
    { method: "GET", path: `${instancePath(id)}/backups`, call },
    backupsSchema,
  );
  const snapshots = [snapshot?.current, snapshot?.in_progress].filter((each) => each !== undefined && each !== null);
  return [...(automatic ?? []), ...snapshots].map(toBackup).toSorted(byCreation);
}

export async function takeSnapshot(client: LinodeClient, id: string, label: string, call: Call): Promise<Backup> {
  const made = await client.send(
    { what: `take a snapshot of instance ${id}`, reads: false },
    { method: "POST", path: `${instancePath(id)}/backups`, body: { label }, call },
    backupSchema,
  );
  return toBackup(made);
}

/** Onto the same instance: without `overwrite` Linode puts further disks beside those that there are (reference, "Restore a backup"). */
export async function restoreBackup(client: LinodeClient, id: string, backupId: string, call: Call): Promise<void> {
  await client.send(
    { what: `restore backup ${backupId} of instance ${id}`, reads: false },
    {
      method: "POST",
      path: `${instancePath(id)}/backups/${encodeURIComponent(backupId)}/restore`,
      body: { linode_id: Number(id), overwrite: true },
      call,
    },
    z.unknown(),
  );
}

function toBackup(backup: LinodeBackup): Backup {
  const status = ended[backup.status] ?? "pending";
  return {
    id: String(backup.id),
    kind: backup.type === "snapshot" ? "snapshot" : "daily",
    label: backup.label ?? "",
    // One that has ended well can still be withheld, while the backup service is under maintenance.
    status: status === "available" && backup.available === false ? "pending" : status,
    ...(typeof backup.created === "string" ? { createdAt: instant(backup.created) } : {}),
  };
}

function byCreation(a: Backup, b: Backup): number {
  return (a.createdAt ?? "") < (b.createdAt ?? "") ? -1 : 1;
}
