import type { LinodeType } from "../catalog/instance-types.ts";
import type { FirstBoot } from "../first-boot/first-boot.ts";
import type { InstanceStatus } from "./transitions.ts";

/**
 * One instance as the sandbox keeps it: about 500 bytes, so that 100,000 fit in one process (C16). What follows from
 * these fields (addresses, specs, backup schedule) is computed when it is shown. The user data itself is not kept:
 * only what its first boot needs.
 */
export interface InstanceRecord {
  readonly id: number;
  label: string;
  group: string;
  tags: readonly string[];
  readonly region: string;
  readonly type: LinodeType;
  readonly image: string | null;
  readonly backups: boolean;
  readonly hasUserData: boolean;
  readonly privateIp: boolean;
  watchdog: boolean;
  /** Which public address it holds: see `addresses.ts`. */
  readonly addressIndex: number;
  readonly createdMs: number;
  updatedMs: number;
  status: InstanceStatus;
  /** Boots by itself after provisioning. */
  readonly bootsAfterCreate: boolean;
  /** Directive `stuck`: its first boot never ends. */
  readonly stuck: boolean;
  /** When the passing state ends (epoch ms), 0 for none; also the fence that tells a current timer from an old one. */
  dueMs: number;
  /** What its first boot still has to report; undefined when it never had, or is done: a reboot reports nothing. */
  firstBoot: FirstBoot | undefined;
}
