import { linodeTime } from "../clock/linode-time.ts";
import { diskLabel, type Disk } from "../disks/disks.ts";
import { idWithin, placeOf } from "../instances/derived-ids.ts";
import type { InstanceRecord } from "../instances/record.ts";

/** A copy of an instance's disks that its owner asked for. Times are the account's. */
export interface Snapshot {
  /** 0–14; the id is made of it and the instance's. */
  readonly ordinal: number;
  readonly label: string;
  readonly disks: readonly Disk[];
  readonly createdMs: number;
  /** 0 while it is under way. */
  readonly finishedMs: number;
  readonly eventId: number;
}

/** What can be shown and restored: a snapshot, or what the provider makes by itself every day. */
export interface Backup extends Omit<Snapshot, "label" | "eventId"> {
  readonly type: "snapshot" | "auto";
  readonly label: string | null;
}

const FIRST_BACKUP_ID = 300_000_000;
export const SNAPSHOT_ORDINALS = 15;
const AUTOMATIC_ORDINAL = 15;
const DAY_MS = 86_400_000;
const TAKES_MS = 60_000;

/** What `GET …/backups` lists. The daily backup follows from the time alone; Linode's two weekly ones are left out. */
export function backupsOf(record: InstanceRecord, nowMs: number): Backup[] {
  const snapshots = record.snapshots.map((snapshot): Backup => ({ ...snapshot, type: "snapshot" }));
  if (record.backupsSinceMs === 0) return snapshots;
  const days = Math.floor((nowMs - record.backupsSinceMs) / DAY_MS);
  if (days < 1) return snapshots;
  const createdMs = record.backupsSinceMs + days * DAY_MS - TAKES_MS;
  const daily: Backup = {
    type: "auto",
    ordinal: AUTOMATIC_ORDINAL,
    label: null,
    disks: record.disks,
    createdMs,
    finishedMs: createdMs + TAKES_MS,
  };
  return [daily, ...snapshots];
}

/** The youngest that can be restored. */
export function latestBackup(record: InstanceRecord, nowMs: number): Backup | undefined {
  // The usual case of a list of instances: nothing to look for.
  if (record.backupsSinceMs === 0) return undefined;
  return backupsOf(record, nowMs)
    .filter((backup) => backup.finishedMs > 0)
    .toSorted((one, other) => one.finishedMs - other.finishedMs)
    .at(-1);
}

export function backupId(record: InstanceRecord, backup: Backup): number {
  return idWithin(FIRST_BACKUP_ID, record.id, backup.ordinal);
}

/** The instance's backup of that id. */
export function findBackup(record: InstanceRecord, id: number, nowMs: number): Backup | undefined {
  const { instanceId, ordinal } = placeOf(FIRST_BACKUP_ID, id);
  if (instanceId !== record.id) return undefined;
  return backupsOf(record, nowMs).find((backup) => backup.ordinal === ordinal);
}

/** The body of `GET …/backups`. */
export function backupsView(record: InstanceRecord, nowMs: number): Record<string, unknown> {
  const backups = backupsOf(record, nowMs);
  const shown = (holds: (backup: Backup) => boolean) =>
    backups.filter(holds).map((backup) => backupView(record, backup));
  return {
    automatic: shown(({ type }) => type === "auto"),
    snapshot: {
      current: shown(({ type, finishedMs }) => type === "snapshot" && finishedMs > 0)[0] ?? null,
      in_progress: shown(({ finishedMs }) => finishedMs === 0)[0] ?? null,
    },
  };
}

/** One backup as Linode's API shows it. */
export function backupView(record: InstanceRecord, backup: Backup): Record<string, unknown> {
  const done = backup.finishedMs > 0;
  return {
    id: backupId(record, backup),
    type: backup.type,
    label: backup.label,
    status: done ? "successful" : "running",
    available: done,
    created: linodeTime(backup.createdMs),
    updated: linodeTime(done ? backup.finishedMs : backup.createdMs),
    finished: done ? linodeTime(backup.finishedMs) : null,
    configs: [`${record.label} profile`],
    disks: backup.disks.map((disk) => ({
      label: diskLabel(record, disk),
      size: disk.sizeMb,
      filesystem: disk.filesystem,
    })),
  };
}
