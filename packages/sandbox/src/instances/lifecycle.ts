import type { Clock } from "../clock/clock.ts";
import type { Random } from "../clock/random.ts";
import { TimerHeap } from "../clock/timer-heap.ts";
import type { ConsoleLog } from "../first-boot/console-log.ts";
import type { CallbackOutcome } from "../first-boot/callback-client.ts";
import { FirstBootReporter } from "../first-boot/reporter.ts";
import { LinodeApiError } from "../errors.ts";
import type { Counters } from "../stats.ts";
import type { InstanceRecord } from "./record.ts";
import type { InstanceStore } from "./store.ts";
import type { Timings } from "./timings.ts";
import { applySignal, nextStatus, type InstanceStatus, type Signal } from "./transitions.ts";

export interface LifecycleParts {
  clock: Clock;
  random: Random;
  timings: Timings;
  store: InstanceStore;
  counters: Counters;
  console: ConsoleLog;
  post: (url: string, token: string, body: Record<string, unknown>) => Promise<CallbackOutcome>;
  callbackConcurrency: number;
  changed: (record: InstanceRecord) => void;
  removed: (record: InstanceRecord) => void;
}

/** Carries every instance through its states in time; the rules are in `transitions.ts`. */
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
      changed: parts.changed,
    });
  }

  /** A new instance enters its first state. */
  begin(record: InstanceRecord): void {
    this.#enter(record, "provisioning");
  }

  /** After a restart: what was under way goes on, what fell due meanwhile happens at once. */
  resume(record: InstanceRecord): void {
    if (record.dueMs > 0) this.#timers.schedule(record.dueMs, record.id);
    this.#reporter.resume(record);
  }

  /** Throws Linode's 400 where the state does not allow it. */
  signal(record: InstanceRecord, signal: Signal): void {
    const verdict = applySignal(record.status, signal, record.id);
    if ("refused" in verdict) throw new LinodeApiError(400, [{ reason: verdict.refused }]);
    if (verdict.to !== undefined) this.#enter(record, verdict.to);
  }

  close(): void {
    this.#timers.close();
    this.#reporter.close();
  }

  #onDue(item: number, dueMs: number): void {
    const record = this.#parts.store.get(Math.abs(item));
    if (record === undefined) return;
    if (item < 0) this.#reporter.due(record, dueMs);
    else if (record.dueMs === dueMs) this.#advance(record);
  }

  #advance(record: InstanceRecord): void {
    const next = nextStatus(record.status, record.bootsAfterCreate);
    if (next === "gone") {
      this.#parts.store.remove(record);
      this.#parts.console.forget(record.id);
      this.#parts.removed(record);
    } else if (next !== undefined) {
      this.#enter(record, next);
    }
  }

  #enter(record: InstanceRecord, status: InstanceStatus): void {
    const { clock, random, timings, changed } = this.#parts;
    if (record.status === "running") this.#reporter.interrupt(record);
    record.status = status;
    record.updatedMs = clock.now();
    const passing = status !== "running" && status !== "offline";
    record.dueMs =
      passing && !(record.stuck && status === "booting")
        ? clock.now() + random.durationMs(timings.statusMs[status])
        : 0;
    if (record.dueMs > 0) this.#timers.schedule(record.dueMs, record.id);
    if (status === "running") this.#reporter.start(record);
    changed(record);
  }
}
