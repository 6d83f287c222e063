import type { AccountClock } from "../clock/account-clock.ts";
import { IdList } from "../lists/id-list.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { EventAction, EventEntity, EventRecord } from "./event-record.ts";

/** Linode keeps 90 days; here it is a number, so that a fleet under test cannot fill the memory (some 30 MB). */
const EVENTS_MAX = 200_000;
/** Dropped at once when there are too many. */
const DROPPED_AT_ONCE = 20_000;
const FIRST_ID = 500_000_001;

/** The account's feed of changes (C10): ids ascend, also over restarts; rows change in place until their work is over. */
export class EventLog {
  readonly #time: AccountClock;
  readonly #state: StateSink;
  readonly #events = new IdList<EventRecord>();
  #nextId = FIRST_ID;

  constructor(time: AccountClock, state: StateSink) {
    this.#time = time;
    this.#state = state;
  }

  /** By ascending id. */
  get all(): readonly EventRecord[] {
    return this.#events.all;
  }

  /** The id the next event gets; kept in the state file, for a reader's cursor must never be ahead. */
  get nextId(): number {
    return this.#nextId;
  }

  get(id: number): EventRecord | undefined {
    return this.#events.get(id);
  }

  /** Work begins that is to take `durationMs` (0: unknown). Returns the event's id for its end. */
  start(action: EventAction, entity: EventEntity, durationMs: number, secondary?: EventEntity): number {
    return this.#add(action, entity, "started", durationMs, secondary);
  }

  /** Something happened at once. */
  note(action: EventAction, entity: EventEntity): void {
    this.#add(action, entity, "notification", 0, undefined);
  }

  finish(id: number): void {
    this.#end(id, "finished", null);
  }

  fail(id: number, message: string): void {
    this.#end(id, "failed", message);
  }

  /** Takes over what a state file held; `events` by ascending id. Once, before anything else. */
  restore(events: readonly EventRecord[], nextId: number): void {
    for (const event of events) this.#events.add(event);
    this.#nextId = Math.max(nextId, FIRST_ID);
  }

  #add(
    action: EventAction,
    entity: EventEntity,
    status: EventRecord["status"],
    durationMs: number,
    secondary: EventEntity | undefined,
  ): number {
    const id = this.#nextId++;
    const event: EventRecord = {
      id,
      action,
      createdMs: this.#time.stamp(),
      entity,
      secondary,
      status,
      durationMs,
      message: null,
    };
    this.#events.add(event);
    this.#state.changed("event", event);
    if (this.#events.all.length > EVENTS_MAX) {
      for (const dropped of this.#events.removeOldest(DROPPED_AT_ONCE)) this.#state.removed("event", dropped.id);
    }
    return id;
  }

  #end(id: number, status: "finished" | "failed", message: string | null): void {
    const event = this.#events.get(id);
    if (event === undefined) return;
    event.status = status;
    event.durationMs = Math.max(0, this.#time.stamp() - event.createdMs);
    event.message = message;
    this.#state.changed("event", event);
  }
}
