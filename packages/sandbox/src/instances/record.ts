import type { LinodeType } from "../catalog/instance-types.ts";
import type { FirstBoot } from "../first-boot/first-boot.ts";
import type { Snapshot } from "../backups/backup.ts";
import type { Disk } from "../disks/disks.ts";
import type { End, InstanceStatus } from "./transitions.ts";

/** The work that a passing state stands for. */
export interface Task {
  /** Where it is told of. */
  readonly eventId: number;
  readonly next: End;
  /** A fault on demand: it will fail, and this is what its event says. */
  readonly failure: string | undefined;
  /** What the instance has once it succeeded: the plan by its id. */
  readonly brings: { readonly type?: string; readonly disks: readonly Disk[] } | undefined;
}

/** One for all instances that have none. */
export const NO_SNAPSHOTS: readonly Snapshot[] = [];

/**
 * One instance as the sandbox keeps it: about 600 bytes, so that 100,000 fit in one process (C16). What follows from
 * these fields (addresses, specs, backup schedule) is computed when it is shown. The user data itself is not kept:
 * only what its first boot needs.
 */
export interface InstanceRecord {
  readonly id: number;
  label: string;
  group: string;
  tags: readonly string[];
  readonly region: string;
  type: LinodeType;
  image: string | null;
  /** Shared between instances that were made alike: replaced, never changed. */
  disks: readonly Disk[];
  /** Since when backups are taken (epoch ms); 0: they are not. */
  backupsSinceMs: number;
  snapshots: readonly Snapshot[];
  hasUserData: boolean;
  readonly privateIp: boolean;
  watchdog: boolean;
  /** Which public address it holds: see `addresses.ts`. */
  readonly addressIndex: number;
  /** The account's time, as is `updatedMs`. */
  readonly createdMs: number;
  updatedMs: number;
  status: InstanceStatus;
  /** Undefined in a state that stays. */
  task: Task | undefined;
  /** Directive `stuck`: its boots never end. */
  stuck: boolean;
  /** When the passing state ends (epoch ms), 0 for never; also the fence that tells a current timer from an old one. */
  dueMs: number;
  /** What its first boot still has to report; undefined when it never had, or is done: a reboot reports nothing. */
  firstBoot: FirstBoot | undefined;
}
