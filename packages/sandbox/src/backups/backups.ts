import type { AccountClock } from "../clock/account-clock.ts";
import type { Clock } from "../clock/clock.ts";
import type { Random, RangeMs } from "../clock/random.ts";
import type { TimerHeap } from "../clock/timer-heap.ts";
import { appended, totalMb } from "../disks/disks.ts";
import { badField, LinodeApiError, notFound } from "../errors.ts";
import type { EventLog } from "../events/event-log.ts";
import { linodeOf } from "../events/event-record.ts";
import type { Lifecycle } from "../instances/lifecycle.ts";
import { refuseBusy } from "../instances/busy.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { InstanceStore } from "../instances/store.ts";
import type { StateSink } from "../state/state-sink.ts";
import { type Backup, findBackup, SNAPSHOT_ORDINALS, type Snapshot } from "./backup.ts";
import type { RestoreRequest } from "./backup-requests.ts";

export interface BackupsParts {
  clock: Clock;
  time: AccountClock;
  random: Random;
  /** What happens later beside the instances' states. */
  chores: TimerHeap<() => void>;
  snapshotMs: RangeMs;
  store: InstanceStore;
  events: EventLog;
  lifecycle: Lifecycle;
  state: StateSink;
}

/** The backup service of the account's instances (C3). All acts are synchronous. */
export class Backups {
  readonly #parts: BackupsParts;

  constructor(parts: BackupsParts) {
    this.#parts = parts;
  }

  /** Enabling what is enabled changes nothing. */
  enable(record: InstanceRecord): void {
    if (record.backupsSinceMs > 0) return;
    record.backupsSinceMs = this.#parts.time.stamp();
    this.#changed(record, "backups_enable");
  }

  /** Ends the service and deletes every backup. */
  cancel(record: InstanceRecord): void {
    if (record.backupsSinceMs === 0) throw notEnabled();
    refuseBusy(record);
    record.backupsSinceMs = 0;
    record.snapshots = [];
    this.#changed(record, "backups_cancel");
  }

  /** Begins a snapshot, which takes the former one's place when it is done. The instance is busy until then. */
  snapshot(record: InstanceRecord, label: string): Backup {
    const { random, snapshotMs, events, state } = this.#parts;
    if (record.backupsSinceMs === 0) throw notEnabled();
    refuseBusy(record);
    const durationMs = random.durationMs(snapshotMs);
    const snapshot: Snapshot = {
      ordinal: ((record.snapshots.at(-1)?.ordinal ?? -1) + 1) % SNAPSHOT_ORDINALS,
      label,
      disks: record.disks,
      createdMs: this.#parts.time.stamp(),
      finishedMs: 0,
      eventId: events.start("linode_snapshot", linodeOf(record), durationMs),
    };
    record.snapshots = [...record.snapshots, snapshot];
    state.changed("instance", record);
    this.#finishLater(record, snapshot, durationMs);
    return { ...snapshot, type: "snapshot" };
  }

  /** After a restart: a snapshot that was under way is taken anew. */
  resume(record: InstanceRecord): void {
    const { random, snapshotMs } = this.#parts;
    const underWay = record.snapshots.find(({ finishedMs }) => finishedMs === 0);
    if (underWay !== undefined) this.#finishLater(record, underWay, random.durationMs(snapshotMs));
  }

  find(record: InstanceRecord, id: number): Backup {
    const backup = findBackup(record, id, this.#parts.time.stamp());
    if (backup === undefined) throw notFound();
    return backup;
  }

  /** Puts a backup's disks on an instance of the same region, which is offline afterwards. */
  restore(source: InstanceRecord, id: number, { linodeId, overwrite }: RestoreRequest): void {
    const { store, lifecycle } = this.#parts;
    const backup = this.find(source, id);
    const target = store.get(linodeId);
    if (target === undefined) throw badField("linode_id", "linode_id is not valid");
    if (target.region !== source.region) throw badField("linode_id", "Backups may not be restored across regions");
    if (backup.finishedMs === 0) throw new LinodeApiError(400, [{ reason: "Backup is not available for restoration" }]);
    refuseBusy(target);
    const disks = appended(overwrite ? [] : target.disks, backup.disks);
    if (totalMb(disks) > target.type.disk) {
      throw new LinodeApiError(400, [{ reason: "Insufficient space on the Linode to restore this backup" }]);
    }
    lifecycle.pass(target, "restoring", { brings: { disks } });
  }

  #finishLater(record: InstanceRecord, underWay: Snapshot, durationMs: number): void {
    const { clock, chores, store, events, state, time } = this.#parts;
    chores.schedule(clock.now() + durationMs, () => {
      if (store.get(record.id) !== record) {
        events.fail(underWay.eventId, "the Linode is gone");
        return;
      }
      record.snapshots = [{ ...underWay, finishedMs: time.stamp() }];
      events.finish(underWay.eventId);
      state.changed("instance", record);
    });
  }

  #changed(record: InstanceRecord, action: "backups_enable" | "backups_cancel"): void {
    record.updatedMs = this.#parts.time.stamp();
    this.#parts.events.note(action, linodeOf(record));
    this.#parts.state.changed("instance", record);
  }
}

function notEnabled(): LinodeApiError {
  return new LinodeApiError(400, [{ reason: "Backups are not enabled for this Linode" }]);
}
