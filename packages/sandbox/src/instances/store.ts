import { IdList } from "../lists/id-list.ts";
import { AddressPool } from "./addresses.ts";
import { FIRST_INSTANCE_ID } from "./derived-ids.ts";
import type { InstanceRecord } from "./record.ts";

/** All instances of the account, by id and by label. */
export class InstanceStore {
  readonly #byId = new IdList<InstanceRecord>();
  readonly #byLabel = new Map<string, InstanceRecord>();
  readonly #addresses = new AddressPool();
  #nextId = FIRST_INSTANCE_ID;

  /** By ascending id. */
  get all(): readonly InstanceRecord[] {
    return this.#byId.all;
  }

  /** The id the next `takeId` gives; kept in the state file because ids are never used again. */
  get nextId(): number {
    return this.#nextId;
  }

  takeId(): number {
    return this.#nextId++;
  }

  takeAddress(): number {
    return this.#addresses.take();
  }

  add(record: InstanceRecord): void {
    this.#byId.add(record);
    this.#byLabel.set(record.label, record);
  }

  get(id: number): InstanceRecord | undefined {
    return this.#byId.get(id);
  }

  withLabel(label: string): InstanceRecord | undefined {
    return this.#byLabel.get(label);
  }

  rename(record: InstanceRecord, label: string): void {
    this.#byLabel.delete(record.label);
    record.label = label;
    this.#byLabel.set(label, record);
  }

  remove(record: InstanceRecord): void {
    this.#byId.remove(record.id);
    this.#byLabel.delete(record.label);
    this.#addresses.giveBack(record.addressIndex);
  }

  /** Takes over what a state file held; `records` by ascending id. Once, before anything else. */
  restore(records: readonly InstanceRecord[], nextId: number): void {
    const held = new Set<number>();
    for (const record of records) {
      this.add(record);
      held.add(record.addressIndex);
    }
    this.#addresses.restore(held);
    this.#nextId = Math.max(nextId, FIRST_INSTANCE_ID);
  }
}
