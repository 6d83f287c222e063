import type { Clock } from "../clock/clock.ts";
import { badField, LinodeApiError, notFound } from "../errors.ts";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import { readUserData } from "../first-boot/user-data.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import type { CreateRequest, UpdateRequest } from "./create-request.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { InstanceRecord } from "./record.ts";
import type { InstanceStore } from "./store.ts";
import type { Signal } from "./transitions.ts";

export interface CloudParts {
  clock: Clock;
  store: InstanceStore;
  lifecycle: Lifecycle;
  state: StateSink;
  counters: Counters;
  console: ConsoleLog;
  /** Instances the account may have at once. */
  instanceLimit: number;
}

/** What the API's calls do to the account. All acts are synchronous; `state.saved()` says when they are kept. */
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
    const { store, clock, lifecycle, state, counters, console: log, instanceLimit } = this.#parts;
    if (request.label !== undefined) this.#refuseTaken(request.label);
    if (store.size >= instanceLimit) {
      throw new LinodeApiError(400, [{ reason: "Account Limit reached. Please open a support ticket." }]);
    }
    const id = store.takeId();
    const guest = readUserData(request.userData ?? "");
    const now = clock.now();
    const record: InstanceRecord = {
      id,
      label: request.label ?? this.#labelFor(id),
      group: request.group,
      tags: request.tags,
      region: request.region,
      type: request.type,
      image: request.image,
      backups: request.backups,
      hasUserData: request.userData !== undefined,
      privateIp: request.privateIp,
      watchdog: true,
      addressIndex: store.takeAddress(),
      createdMs: now,
      updatedMs: now,
      status: "provisioning",
      bootsAfterCreate: request.booted && request.image !== null,
      stuck: guest.stuck,
      dueMs: 0,
      firstBoot: request.image === null ? undefined : guest.firstBoot,
    };
    store.add(record);
    if (guest.refusal !== undefined) log.write(id, guest.refusal);
    state.countCreate(record.label, counters.countCreate(record.label));
    lifecycle.begin(record);
    return record;
  }

  signal(id: number, signal: Signal): void {
    const record = this.get(id);
    if (signal === "boot" && record.image === null) {
      throw new LinodeApiError(400, [{ reason: "Linode has no configuration profile to boot." }]);
    }
    if (signal === "delete" && record.status !== "deleting") this.#parts.counters.deletesAccepted++;
    this.#parts.lifecycle.signal(record, signal);
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
    record.updatedMs = this.#parts.clock.now();
    this.#parts.state.changed(record);
    return record;
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
