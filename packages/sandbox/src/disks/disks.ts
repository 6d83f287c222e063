import type { LinodeType } from "../catalog/instance-types.ts";
import { publicImage } from "../catalog/images.ts";
import { idWithin, placeOf } from "../instances/derived-ids.ts";
import { linodeTime } from "../clock/linode-time.ts";
import type { InstanceRecord } from "../instances/record.ts";

/** Part of what an instance has on its plan's storage. It has no time of its own: it shows the instance's. */
export interface Disk {
  /** 0–15; the id is made of it and the instance's. */
  readonly ordinal: number;
  readonly filesystem: "ext4" | "swap";
  readonly sizeMb: number;
}

const FIRST_DISK_ID = 100_000_000;
const SWAP_MB = 512;
const ORDINALS = 16;

/** The same for all instances that are made alike: 100,000 of them hold one (C16). */
const layouts = new Map<string, readonly Disk[]>();

/** What deploying an image makes: a disk as large as the plan allows and a swap disk. Ordinals start behind `former`. */
export function diskLayout(type: LinodeType, former: readonly Disk[] = []): readonly Disk[] {
  const ordinal = ((former.at(-1)?.ordinal ?? -1) + 1) % ORDINALS;
  const key = `${type.id} ${ordinal}`;
  const known = layouts.get(key);
  if (known !== undefined) return known;
  const layout: readonly Disk[] = [
    { ordinal, filesystem: "ext4", sizeMb: type.disk - SWAP_MB },
    { ordinal: (ordinal + 1) % ORDINALS, filesystem: "swap", sizeMb: SWAP_MB },
  ];
  layouts.set(key, layout);
  return layout;
}

/** Copies of a backup's disks beside `others`. */
export function appended(others: readonly Disk[], copies: readonly Disk[]): readonly Disk[] {
  const next = (others.at(-1)?.ordinal ?? -1) + 1;
  return [...others, ...copies.map((disk, index) => ({ ...disk, ordinal: (next + index) % ORDINALS }))];
}

export function totalMb(disks: readonly Disk[]): number {
  return disks.reduce((sum, disk) => sum + disk.sizeMb, 0);
}

/** The first disk with files takes what `toMb` leaves beside the others: what Linode does on its own when a plan grows. */
export function grown(disks: readonly Disk[], toMb: number): readonly Disk[] {
  const main = disks.find((disk) => disk.filesystem === "ext4");
  const freeMb = toMb - totalMb(disks);
  if (main === undefined || freeMb <= 0) return disks;
  return disks.map((disk) => (disk === main ? { ...disk, sizeMb: disk.sizeMb + freeMb } : disk));
}

export function diskId(record: InstanceRecord, disk: Disk): number {
  return idWithin(FIRST_DISK_ID, record.id, disk.ordinal);
}

/** Which instance a disk's id belongs to, and which of its ordinals. */
export function placeOfDisk(id: number): { instanceId: number; ordinal: number } {
  return placeOf(FIRST_DISK_ID, id);
}

/** The disk as Linode's API shows it. `imageLabel` is what the instance was made from. */
export function diskView(record: InstanceRecord, disk: Disk): Record<string, unknown> {
  return {
    id: diskId(record, disk),
    label: diskLabel(record, disk),
    status: "ready",
    filesystem: disk.filesystem,
    size: disk.sizeMb,
    created: linodeTime(record.createdMs),
    updated: linodeTime(record.updatedMs),
  };
}

export function diskLabel(record: InstanceRecord, disk: Disk): string {
  if (disk.filesystem === "swap") return `${disk.sizeMb} MB Swap Image`;
  const image = record.image === null ? undefined : publicImage(record.image);
  return `${image?.label ?? record.image ?? "Restored"} Disk`;
}
