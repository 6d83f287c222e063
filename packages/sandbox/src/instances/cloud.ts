import type { AccountClock } from "../clock/account-clock.ts";
import { diskId, diskLayout, grown, totalMb, type Disk } from "../disks/disks.ts";
import { badField, LinodeApiError, notFound } from "../errors.ts";
import type { EventLog } from "../events/event-log.ts";
import { linodeOf } from "../events/event-record.ts";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import { readUserData } from "../first-boot/user-data.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import { refuseBusy } from "./busy.ts";
import type { RebuildRequest, ResizeRequest, UpdateRequest } from "./change-requests.ts";
import type { CreateRequest } from "./create-request.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type InstanceRecord, NO_SNAPSHOTS } from "./record.ts";
import type { InstanceStore } from "./store.ts";
import { applySignal, endOfResize, type Signal } from "./transitions.ts";

export interface CloudParts {
  time: AccountClock;
  store: InstanceStore;
  lifecycle: Lifecycle;
  events: EventLog;
  state: StateSink;
  counters: Counters;
  console: ConsoleLog;
  /** Instances the account may have at once. */
  instanceLimit: number;
}

/** What the API's calls do to the instances. All acts are synchronous; `state.saved()` says when they are kept. */
export class Cloud {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** The instance, or Linode's 404. */
  get(id: number): InstanceRecord {
    const record = this.#parts.store.get(id);
    if (record === undefined) throw notFound();
    return record;
  }

  /** Creates at most one instance; throws Linode's 400 for a taken label or a full account. */
  create(request: CreateRequest): InstanceRecord {
    const { store, time, lifecycle, state, counters, console: log, instanceLimit } = this.#parts;
    if (request.label !== undefined) this.#refuseTaken(request.label);
    if (store.all.length >= instanceLimit) {
      throw new LinodeApiError(400, [{ reason: "Account Limit reached. Please open a support ticket." }]);
    }
    const id = store.takeId();
    const guest = readUserData(request.userData ?? "");
    const now = time.stamp();
    const record: InstanceRecord = {
      id,
      label: request.label ?? this.#labelFor(id),
      group: request.group,
      tags: request.tags,
      region: request.region,
      type: request.type,
      image: request.image,
      disks: request.image === null ? [] : diskLayout(request.type),
      backupsSinceMs: request.backups ? now : 0,
      snapshots: NO_SNAPSHOTS,
      hasUserData: request.userData !== undefined,
      privateIp: request.privateIp,
      watchdog: true,
      addressIndex: store.takeAddress(),
      createdMs: now,
      updatedMs: now,
      status: "provisioning",
      task: undefined,
      stuck: guest.stuck,
      dueMs: 0,
      firstBoot: request.image === null ? undefined : guest.firstBoot,
    };
    store.add(record);
    if (guest.refusal !== undefined) log.write(id, guest.refusal);
    state.countCreate(record.label, counters.countCreate(record.label));
    lifecycle.pass(record, "provisioning", {
      next: request.booted && request.image !== null ? "booting" : "offline",
    });
    return record;
  }

  signal(id: number, signal: Signal): void {
    const record = this.get(id);
    if (signal === "boot" && record.disks.length === 0) {
      throw new LinodeApiError(400, [{ reason: "Linode has no configuration profile to boot." }]);
    }
    const verdict = applySignal(record.status, signal, record.id);
    if ("refused" in verdict) throw new LinodeApiError(400, [{ reason: verdict.refused }]);
    if (verdict.to === undefined) return;
    if (signal === "delete") this.#parts.counters.deletesAccepted++;
    else refuseBusy(record);
    this.#parts.lifecycle.pass(record, verdict.to);
  }

  update(id: number, request: UpdateRequest): InstanceRecord {
    const record = this.get(id);
    if (request.label !== undefined && request.label !== record.label) {
      this.#refuseTaken(request.label);
      this.#parts.store.rename(record, request.label);
    }
    if (request.tags !== undefined) record.tags = request.tags;
    if (request.group !== undefined) record.group = request.group;
    if (request.watchdog !== undefined) record.watchdog = request.watchdog;
    record.updatedMs = this.#parts.time.stamp();
    this.#parts.events.note("linode_update", linodeOf(record));
    this.#parts.state.changed("instance", record);
    return record;
  }

  /** Changes the plan, in time. Throws Linode's 400 for a busy instance, its own plan, or disks that do not fit. */
  resize(id: number, { type, migration, growsDisk }: ResizeRequest): void {
    const record = this.get(id);
    if (type === record.type)
      throw new LinodeApiError(400, [{ reason: "Linode is already running this service plan." }]);
    const status = refuseBusy(record);
    if (totalMb(record.disks) > type.disk) {
      // Whatever `allow_auto_disk_resize` says: it makes disks larger, never smaller.
      const reason = "Linode has allocated more disk than the new service plan allows. Delete or resize disks smaller.";
      throw new LinodeApiError(400, [{ reason }]);
    }
    const disks = growsDisk ? grown(record.disks, type.disk) : record.disks;
    this.#parts.lifecycle.pass(record, "resizing", {
      next: endOfResize(status, migration),
      brings: { type: type.id, disks },
    });
  }

  /** Deletes the disks and deploys the image on the same instance, whose first boot is again to come. */
  rebuild(id: number, request: RebuildRequest): InstanceRecord {
    const record = this.get(id);
    refuseBusy(record);
    const type = request.type ?? record.type;
    const guest = readUserData(request.userData ?? "");
    if (guest.refusal !== undefined) this.#parts.console.write(id, guest.refusal);
    record.image = request.image;
    record.hasUserData = request.userData !== undefined;
    record.stuck = guest.stuck;
    record.firstBoot = guest.firstBoot;
    this.#parts.lifecycle.pass(record, "rebuilding", {
      next: request.booted ? "booting" : "offline",
      brings: { type: type.id, disks: diskLayout(type, record.disks) },
    });
    return record;
  }

  disk(record: InstanceRecord, id: number): Disk {
    const disk = record.disks.find((one) => diskId(record, one) === id);
    if (disk === undefined) throw notFound();
    return disk;
  }

  /** Takes effect at once. Throws Linode's 400 for an instance that is not off, or a size that the plan cannot hold. */
  resizeDisk(record: InstanceRecord, disk: Disk, sizeMb: number): void {
    if (refuseBusy(record) !== "offline") {
      throw new LinodeApiError(400, [{ reason: "Linode must be powered off to resize a disk." }]);
    }
    if (totalMb(record.disks) - disk.sizeMb + sizeMb > record.type.disk) {
      throw badField("size", "Insufficient space on the Linode for this disk size");
    }
    record.disks = record.disks.map((one) => (one === disk ? { ...one, sizeMb } : one));
    record.updatedMs = this.#parts.time.stamp();
    const { events, state } = this.#parts;
    events.finish(events.start("disk_resize", linodeOf(record), 0));
    state.changed("instance", record);
  }

  /** What Linode calls an instance without a label; somebody may have chosen that very name. */
  #labelFor(id: number): string {
    let label = `linode${id}`;
    for (let suffix = 2; this.#parts.store.withLabel(label) !== undefined; suffix++) label = `linode${id}-${suffix}`;
    return label;
  }

  #refuseTaken(label: string): void {
    if (this.#parts.store.withLabel(label) !== undefined) {
      throw badField("label", "Label must be unique among your linodes");
    }
  }
}
