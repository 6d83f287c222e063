import { channel } from "node:diagnostics_channel";
import type { Log, ManagerEvent } from "./events.ts";

/** Names of what a manager tells. */
export type EventName = ManagerEvent["event"];
/** The event of this name. */
export type EventOf<Name extends EventName> = Extract<ManagerEvent, { event: Name }>;

/** What is published on the diagnostics channel `provost.jobs.event`. */
export interface PublishedEvent {
  manager: string;
  event: ManagerEvent;
}

const published = channel("provost.jobs.event");

/** A manager's events, told to its log, to those who listen, and to the diagnostics channel (L15). */
export class Listeners {
  readonly #manager: string;
  readonly #log: Log;
  readonly #byName = new Map<EventName, Set<(event: never) => void>>();

  /** `log` must not throw. */
  constructor(manager: string, log: Log) {
    this.#manager = manager;
    this.#log = log;
  }

  readonly tell: Log = (event) => {
    this.#log(event);
    for (const listener of this.#byName.get(event.event) ?? []) {
      try {
        // Kept under the name of the events that it takes.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        listener(event as never);
      } catch {
        // One that throws must not end the service that told it.
      }
    }
    if (published.hasSubscribers) published.publish({ manager: this.#manager, event } satisfies PublishedEvent);
  };

  on<Name extends EventName>(name: Name, listener: (event: EventOf<Name>) => void): () => void {
    // Its own identity, so that a function that listens twice is also told twice.
    const own = (event: EventOf<Name>): void => listener(event);
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners);
    listeners.add(own);
    return () => void listeners.delete(own);
  }
}
