import type { Backup } from "../backup.ts";
import type { Call } from "../provider.ts";
import { snapshots } from "./answers.ts";
import { GRACE_S, type IncusApi } from "./api.ts";
import { concerns, instant, pathOf } from "./instance.ts";
import { operationsUnderWay } from "./reading.ts";

/** Go's zero time: the snapshot of a person is not cleared away with the daily ones. */
const NEVER = "0001-01-01T00:00:00Z";
/** `snap`: the daemon's own pattern, of instances that were made elsewhere. */
const DAILY_NAME = /^(daily-|snap)\d+$/;

/** Snapshots stand for backups: the daemon has them on the instance's own storage (C3). */
export async function readBackups(api: IncusApi, id: string, call: Call): Promise<Backup[]> {
  const wanted = { method: "GET", path: `${pathOf(id)}/snapshots`, query: { recursion: "1" } } as const;
  const found = (await api.sync(wanted, snapshots, call)) ?? [];
  const underWay = (await operationsUnderWay(api, call)).some(
    (each) => each.description.startsWith("Snapshotting ") && concerns(each, id),
  );
  const backups = found
    .map(({ name, created_at }) => {
      const createdAt = instant(created_at);
      const own = name.split("/").at(-1) ?? name;
      return toBackup(own, "available", createdAt);
    })
    .toSorted((a, b) => ((a.createdAt ?? "") < (b.createdAt ?? "") ? -1 : 1));
  // A snapshot is listed from the start of its making.
  return backups.map((each, at) => (underWay && at === backups.length - 1 ? { ...each, status: "pending" } : each));
}

export async function takeSnapshot(api: IncusApi, id: string, label: string, call: Call): Promise<Backup> {
  const accepted = await api.change(
    { method: "POST", path: `${pathOf(id)}/snapshots`, body: { name: label, stateful: false, expires_at: NEVER } },
    call,
  );
  const made = await api.settled(accepted, GRACE_S, call);
  return toBackup(label, made ? "available" : "pending", undefined);
}

/** A running container is stopped, put back and started again by the daemon. */
export async function restoreSnapshot(api: IncusApi, id: string, backupId: string, call: Call): Promise<void> {
  const accepted = await api.change({ method: "PUT", path: pathOf(id), body: { restore: backupId } }, call);
  await api.settled(accepted, GRACE_S, call);
}

function toBackup(name: string, status: Backup["status"], createdAt: string | undefined): Backup {
  return {
    id: name,
    kind: DAILY_NAME.test(name) ? "daily" : "snapshot",
    label: name,
    status,
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}
