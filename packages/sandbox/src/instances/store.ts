import { AddressPool } from "./addresses.ts";
import type { InstanceRecord } from "./record.ts";

/** First id of a fresh account: as long as today's real ones, so that nothing downstream assumes short ids. */
const FIRST_ID = 60_000_001;

/** All instances of the account, by id and by label. Iteration is by ascending id. */
export class InstanceStore {
  /** A Map keeps insertion order, and ids only grow: it is sorted by id without an index of its own. */
  readonly #byId = new Map<number, InstanceRecord>();
  readonly #byLabel = new Map<string, InstanceRecord>();
  readonly #addresses = new AddressPool();
  #nextId = FIRST_ID;

  get size(): number {
    return this.#byId.size;
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
    this.#byId.set(record.id, record);
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
    this.#byId.delete(record.id);
    this.#byLabel.delete(record.label);
    this.#addresses.giveBack(record.addressIndex);
  }

  all(): IterableIterator<InstanceRecord> {
    return this.#byId.values();
  }

  /** Takes over what a state file held; `records` by ascending id. Once, before anything else. */
  restore(records: readonly InstanceRecord[], nextId: number): void {
    const held = new Set<number>();
    for (const record of records) {
      this.add(record);
      held.add(record.addressIndex);
    }
    this.#addresses.restore(held);
    this.#nextId = Math.max(nextId, FIRST_ID);
  }
}
