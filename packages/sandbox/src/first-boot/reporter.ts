import type { Clock } from "../clock/clock.ts";
import type { Random } from "../clock/random.ts";
import type { InstanceRecord } from "../instances/record.ts";
import type { Timings } from "../instances/timings.ts";
import type { Counters } from "../stats.ts";
import type { CallbackOutcome } from "./callback-client.ts";
import type { ConsoleLog } from "./console-log.ts";
import { type FirstBoot, isOver, reportBody, STAGES } from "./first-boot.ts";

export interface ReporterParts {
  clock: Clock;
  random: Random;
  timings: Timings;
  counters: Counters;
  console: ConsoleLog;
  /** One attempt; never rejects. */
  post: (url: string, token: string, body: Record<string, unknown>) => Promise<CallbackOutcome>;
  /** Attempts under way at once, over all instances. */
  concurrency: number;
  /** Calls `due(record)` at `firstBoot.dueMs`. */
  schedule: (record: InstanceRecord) => void;
  /** The record changed and is to be kept. */
  changed: (record: InstanceRecord) => void;
}

/**
 * The one-shot first-boot service of every pretend guest: reports `booting`, `configuring`, then `ready` or `failed`,
 * each until it is accepted, in order, and never again once the last one was (C2, C6). A guest that goes down before
 * the end starts over at its next boot, as the real service does, for its guard is only written at the end.
 */
export class FirstBootReporter {
  readonly #parts: ReporterParts;
  /** Instances whose report is due, in order; bounded by their number, for each is in it at most once. */
  #line: InstanceRecord[] = [];
  #served = 0;
  #underWay = 0;
  #closed = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** The guest is up: its service starts. */
  start(record: InstanceRecord): void {
    if (record.firstBoot) this.#wait(record, record.firstBoot, this.#parts.timings.firstReportMs);
  }

  /** The guest goes down: what is under way no longer counts, and the service will start over. */
  interrupt(record: InstanceRecord): void {
    if (!record.firstBoot) return;
    // A new object: the answer to a report under way finds that it is no longer the record's.
    record.firstBoot = { ...record.firstBoot, stage: 0, dueMs: 0, retries: 0, firstTryMs: 0 };
  }

  /** After a restart of the sandbox: goes on where the state file says it was. */
  resume(record: InstanceRecord): void {
    if (!record.firstBoot || record.status !== "running") return;
    if (record.firstBoot.dueMs === 0) record.firstBoot.dueMs = this.#parts.clock.now();
    this.#parts.schedule(record);
  }

  /** The report scheduled for `dueMs` is due; ignored when the guest has other plans by now. */
  due(record: InstanceRecord, dueMs: number): void {
    if (record.firstBoot?.dueMs !== dueMs) return;
    record.firstBoot.dueMs = 0;
    this.#line.push(record);
    this.#serve();
  }

  close(): void {
    this.#closed = true;
    this.#line = [];
    this.#served = 0;
  }

  #serve(): void {
    while (this.#underWay < this.#parts.concurrency && this.#served < this.#line.length) {
      const record = this.#line[this.#served++];
      if (this.#served === this.#line.length) {
        this.#line = [];
        this.#served = 0;
      }
      // Interrupted while it stood in line.
      if (record?.status !== "running" || !record.firstBoot || record.firstBoot.dueMs !== 0) continue;
      void this.#report(record, record.firstBoot);
    }
  }

  async #report(record: InstanceRecord, firstBoot: FirstBoot): Promise<void> {
    const { counters, post, clock } = this.#parts;
    this.#underWay++;
    counters.callbacksSent++;
    if (firstBoot.firstTryMs === 0) firstBoot.firstTryMs = clock.now();
    const outcome = await post(firstBoot.url, firstBoot.token, reportBody(firstBoot));
    this.#underWay--;
    if (this.#closed) return;
    this.#count(outcome);
    if (record.firstBoot === firstBoot) this.#settle(record, firstBoot, outcome);
    this.#serve();
  }

  #count(outcome: CallbackOutcome): void {
    const { counters } = this.#parts;
    if (outcome.kind === "accepted") counters.callbacksAccepted++;
    else if (outcome.kind === "stop") counters.callbacksStopped++;
    else counters.callbacksRetried++;
  }

  #settle(record: InstanceRecord, firstBoot: FirstBoot, outcome: CallbackOutcome): void {
    const { timings, console: log, clock, counters, changed } = this.#parts;
    const stage = STAGES[firstBoot.stage];
    if (outcome.kind === "accepted") {
      firstBoot.stage++;
      firstBoot.retries = 0;
      firstBoot.firstTryMs = 0;
      if (isOver(firstBoot)) record.firstBoot = undefined;
      else this.#wait(record, firstBoot, firstBoot.stage === 1 ? timings.configuringAfterMs : timings.scriptMs);
    } else if (outcome.kind === "stop") {
      log.write(record.id, `first-boot: report '${stage}' refused (${outcome.detail}): will not be tried again`);
      record.firstBoot = undefined;
    } else if (clock.now() - firstBoot.firstTryMs >= timings.retryForMs) {
      log.write(record.id, `first-boot: report '${stage}' given up after ${firstBoot.retries + 1} attempts`);
      counters.callbacksGivenUp++;
      record.firstBoot = undefined;
    } else {
      // One line for the first failure of a report; its repeats say nothing new.
      if (firstBoot.retries === 0) log.write(record.id, `first-boot: report '${stage}' failed (${outcome.detail})`);
      const waitMs = Math.min(timings.retryMs[0] * 2 ** firstBoot.retries, timings.retryMs[1]);
      firstBoot.retries++;
      this.#wait(record, firstBoot, [waitMs, waitMs]);
    }
    changed(record);
  }

  #wait(record: InstanceRecord, firstBoot: FirstBoot, range: readonly [number, number]): void {
    firstBoot.dueMs = this.#parts.clock.now() + this.#parts.random.durationMs(range);
    this.#parts.schedule(record);
  }
}
