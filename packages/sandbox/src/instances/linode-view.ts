import { linodeTime } from "../clock/linode-time.ts";
import { ipv4Of, ipv6Of, privateIpv4Of } from "./addresses.ts";
import { latestBackup } from "../backups/backup.ts";
import type { InstanceRecord } from "./record.ts";

const BACKUP_WINDOWS = ["W0", "W2", "W4", "W6", "W8", "W10", "W12", "W14", "W16", "W18", "W20", "W22"] as const;
const BACKUP_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;

/** All addresses of an instance: public first. */
export function addressesOf(record: InstanceRecord): string[] {
  const addresses = [ipv4Of(record.addressIndex)];
  if (record.privateIp) addresses.push(privateIpv4Of(record.addressIndex));
  return addresses;
}

/** The instance as Linode's API shows it at `nowMs` of the account's time. */
export function linodeView(record: InstanceRecord, nowMs: number): Record<string, unknown> {
  const { type } = record;
  const last = latestBackup(record, nowMs);
  return {
    id: record.id,
    label: record.label,
    group: record.group,
    status: record.status,
    created: linodeTime(record.createdMs),
    updated: linodeTime(record.updatedMs),
    type: type.id,
    ipv4: addressesOf(record),
    ipv6: ipv6Of(record.id),
    image: record.image,
    region: record.region,
    specs: { disk: type.disk, memory: type.memory, vcpus: type.vcpus, gpus: type.gpus, transfer: type.transfer },
    alerts: { cpu: 90 * type.vcpus, network_in: 10, network_out: 10, transfer_quota: 80, io: 10_000 },
    backups: {
      enabled: record.backupsSinceMs > 0,
      available: last !== undefined,
      last_successful: last === undefined ? null : linodeTime(last.finishedMs),
      schedule:
        record.backupsSinceMs > 0
          ? {
              day: BACKUP_DAYS[record.id % BACKUP_DAYS.length],
              window: BACKUP_WINDOWS[record.id % BACKUP_WINDOWS.length],
            }
          : { day: null, window: null },
    },
    hypervisor: "kvm",
    watchdog_enabled: record.watchdog,
    tags: record.tags,
    host_uuid: hostOf(record.id),
    has_user_data: record.hasUserData,
    placement_group: null,
    lke_cluster_id: null,
    capabilities: [],
  };
}

/** The machine that carries the instance: some 40 instances share one. */
function hostOf(id: number): string {
  return `5a4d0b0e-0000-4000-8000-${(Math.floor(id / 40) % 0xffff_ffff).toString(16).padStart(12, "0")}`;
}
