import type { Faults } from "../api/faults.ts";
import type { AccountClock } from "../clock/account-clock.ts";
import type { Clock } from "../clock/clock.ts";
import type { Random } from "../clock/random.ts";
import { TimerHeap } from "../clock/timer-heap.ts";
import { catalog } from "../catalog/catalog.ts";
import { linodeOf } from "../events/event-record.ts";
import type { EventLog } from "../events/event-log.ts";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import type { CallbackOutcome } from "../first-boot/callback-client.ts";
import { FirstBootReporter } from "../first-boot/reporter.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import type { InstanceRecord, Task } from "./record.ts";
import type { InstanceStore } from "./store.ts";
import type { Timings } from "./timings.ts";
import { isPassing, PASSAGES, type End, type PassingStatus } from "./transitions.ts";

export interface LifecycleParts {
  clock: Clock;
  time: AccountClock;
  random: Random;
  timings: Timings;
  store: InstanceStore;
  events: EventLog;
  faults: Faults;
  counters: Counters;
  console: ConsoleLog;
  state: StateSink;
  post: (url: string, token: string, body: Record<string, unknown>) => Promise<CallbackOutcome>;
  callbackConcurrency: number;
}

/** What a passing state is to lead to, where that is not its usual end, and what the instance has then. */
export interface Passing {
  next?: End;
  brings?: NonNullable<Task["brings"]>;
}

/** Carries every instance through its states in time and tells of it in the feed; the rules are in `transitions.ts`. */
export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #reporter: FirstBootReporter;
  /** An id for the end of a passing state, its negative for a first-boot report: no object for each timer. */
  readonly #timers: TimerHeap<number>;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#timers = new TimerHeap<number>(parts.clock, (item, dueMs) => this.#onDue(item, dueMs));
    this.#reporter = new FirstBootReporter({
      clock: parts.clock,
      random: parts.random,
      timings: parts.timings,
      counters: parts.counters,
      console: parts.console,
      post: parts.post,
      concurrency: parts.callbackConcurrency,
      schedule: (record) => this.#timers.schedule(record.firstBoot?.dueMs ?? 0, -record.id),
      changed: (record) => parts.state.changed("instance", record),
    });
  }

  /** The instance enters a passing state; work that was under way is cut off. */
  pass(record: InstanceRecord, status: PassingStatus, { next, brings }: Passing = {}): void {
    const { clock, random, timings, events, faults, state } = this.#parts;
    if (record.status === "running") this.#reporter.interrupt(record);
    if (record.task !== undefined) events.fail(record.task.eventId, `interrupted: the Linode is ${status}`);
    const { action, ends } = PASSAGES[status];
    const fault = faults.takeTask(action, record.label);
    const stuck = fault?.kind === "stuck" || (record.stuck && status === "booting");
    const durationMs = stuck ? 0 : random.durationMs(timings.statusMs[status]);
    record.task = {
      eventId: events.start(action, linodeOf(record), durationMs),
      next: next ?? ends,
      failure: fault?.kind === "task_failed" ? `${action} failed, as a fault asked` : undefined,
      brings,
    };
    record.status = status;
    record.updatedMs = this.#parts.time.stamp();
    record.dueMs = stuck ? 0 : clock.now() + durationMs;
    if (record.dueMs > 0) this.#timers.schedule(record.dueMs, record.id);
    state.changed("instance", record);
  }

  /** After a restart: what was under way goes on, what fell due meanwhile happens at once. */
  resume(record: InstanceRecord): void {
    if (record.dueMs > 0) this.#timers.schedule(record.dueMs, record.id);
    this.#reporter.resume(record);
  }

  /** The instance is gone at once; the feed learns no more than that work under way will never be done. */
  remove(record: InstanceRecord): void {
    const { store, events, console: log, state } = this.#parts;
    if (record.task !== undefined) events.fail(record.task.eventId, "the Linode is gone");
    // A guest whose report is under way must find that it is not running any more.
    record.status = "deleting";
    this.#reporter.interrupt(record);
    store.remove(record);
    log.forget(record.id);
    state.removed("instance", record.id);
  }

  close(): void {
    this.#timers.close();
    this.#reporter.close();
  }

  #onDue(item: number, dueMs: number): void {
    const record = this.#parts.store.get(Math.abs(item));
    if (record === undefined) return;
    if (item < 0) this.#reporter.due(record, dueMs);
    else if (record.dueMs === dueMs && record.task !== undefined && isPassing(record.status)) {
      this.#arrive(record, record.status, record.task);
    }
  }

  #arrive(record: InstanceRecord, status: PassingStatus, task: Task): void {
    const { events } = this.#parts;
    record.task = undefined;
    if (task.failure === undefined) {
      record.type = catalog.type(task.brings?.type ?? record.type.id) ?? record.type;
      record.disks = task.brings?.disks ?? record.disks;
      events.finish(task.eventId);
    } else {
      events.fail(task.eventId, task.failure);
    }
    const end = task.failure === undefined ? task.next : (PASSAGES[status].fails ?? task.next);
    if (end === "gone") this.remove(record);
    else if (isPassing(end)) this.pass(record, end);
    else this.#rest(record, end);
  }

  #rest(record: InstanceRecord, status: "running" | "offline"): void {
    record.status = status;
    record.updatedMs = this.#parts.time.stamp();
    record.dueMs = 0;
    if (status === "running") this.#reporter.start(record);
    this.#parts.state.changed("instance", record);
  }
}
