import type { JobManager } from "@provost/jobs";
import { Brakes } from "../circuit/brakes.ts";
import { circuitRules, Circuits } from "../circuit/circuits.ts";
import { deployClock } from "../circuit/clock.ts";
import { failure } from "../instances/failure.ts";
import { overdue } from "../instances/verdict.ts";
import type { Log, Timings } from "../options.ts";
import type { Failure, FailureCode } from "@provost/contract";
import { instanceRow, type InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import type { InstanceRecords } from "../instances/records.ts";
import type { FleetService } from "../fleets/fleet-service.ts";
import type { TaskWatch } from "../tasks/task-watch.ts";
import type { DeliveryWatch } from "../webhooks/delivery-watch.ts";
import type { BakeWatch } from "./bake-watch.ts";
import type { Tasks } from "./tasks.ts";

interface WatchdogParts {
  store: Store;
  records: InstanceRecords;
  manager: JobManager;
  tasks: Tasks;
  taskWatch: TaskWatch;
  fleets: Pick<FleetService, "watch">;
  bakes: BakeWatch;
  deliveries: Pick<DeliveryWatch, "pass">;
  timings: Timings;
  log: Log;
}

/** Rows in one read. */
const pageRows = 200;

/** A deploy that the watchdog would fail. */
interface Verdict {
  row: InstanceRow;
  why: Failure;
}

/**
 * C7: nothing hangs, even if a job is lost. Looks at the rows with a task under way, whatever their flows do; every server
 * runs one, and the compare-and-set on the row decides who tells.
 */
export class Watchdog {
  readonly #parts: WatchdogParts;
  readonly #circuits: Circuits;
  readonly #brakes: Brakes;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = true;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
    this.#circuits = new Circuits(parts.store, circuitRules(parts.timings));
    this.#brakes = new Brakes(parts);
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#plan();
  }

  /** Awaits the pass under way. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** One pass over every row with a task. */
  async pass(): Promise<void> {
    const { store, timings } = this.#parts;
    const now = await store.now();
    let after = "";
    while (!this.#stopped || after === "") {
      const rows = await store.db
        .selectFrom("control_instance")
        .selectAll()
        .where("task", "is not", null)
        .where("id", ">", after)
        .orderBy("id")
        .limit(pageRows)
        .execute();
      const verdicts: Verdict[] = [];
      for (const row of rows) {
        const verdict = await this.#look(instanceRow(row), now);
        if (verdict !== undefined) verdicts.push(verdict);
      }
      await this.#act(verdicts, now);
      const last = rows.at(-1);
      if (rows.length < pageRows || last === undefined) break;
      after = last.id;
    }
    await this.#parts.bakes.pass(now);
    await this.#parts.deliveries.pass(now);
    await store.db
      .deleteFrom("control_idempotency_key")
      .where("created_at", "<", now - timings.idempotencyKeptMs)
      .execute();
    await this.#parts.taskWatch.waiting(now);
    await this.#parts.fleets.watch(now);
    await this.#circuits.prune(now);
  }

  async #look(row: InstanceRow, now: number): Promise<Verdict | undefined> {
    const { timings, tasks, taskWatch } = this.#parts;
    if (row.task === "destroy") {
      if (now - row.created_at > timings.orphanGraceMs && (await this.#lost(row, now))) await tasks.destroyAgain(row);
      return undefined;
    }
    if (row.task !== "deploy") {
      await taskWatch.look(row, now);
      return undefined;
    }
    const code = await this.#overdue(row, now);
    if (code !== undefined) {
      const since = Math.round((now - (row.accepted_at ?? row.unknown_since ?? row.created_at)) / 1_000);
      return { row, why: failure(code, stepOf(row), `Not finished ${since} s after the provider was asked.`) };
    }
    if (!(await this.#lost(row, now))) return undefined;
    return { row, why: failure("internal", stepOf(row), "The jobs of this deploy were lost.") };
  }

  /** The flow's own look comes first: it knows what the provider says. By the deploy's own clock, read only for those in question. */
  async #overdue(row: InstanceRow, now: number): Promise<FailureCode | undefined> {
    const { timings } = this.#parts;
    const given = now - timings.lookEveryMs;
    if (overdue(row, given, timings) === undefined) return undefined;
    return overdue(row, await deployClock(this.#circuits, row, given), timings);
  }

  /** C12: too many of one account at once are left as they are, and told of. */
  async #act(verdicts: readonly Verdict[], now: number): Promise<void> {
    for (const [account, of] of Map.groupBy(verdicts, ({ row }) => row.provider)) {
      const ids = of.map(({ row }) => row.id);
      if (!(await this.#brakes.mayAct(account, ids))) continue;
      for (const { row, why } of of) await this.#fail(row, why, now);
    }
  }

  async #fail(row: InstanceRow, why: Failure, now: number): Promise<void> {
    const { records, tasks, log } = this.#parts;
    const stopJobs = await tasks.cancelling(row, "the watchdog has failed the deploy");
    if (await records.failed(row.id, why, now, stopJobs)) {
      log.warn({ instance: row.id, code: why.code, step: why.step }, "the watchdog failed a deploy");
    }
  }

  /** Its flow is gone, or ended a while ago without a word. */
  async #lost(row: InstanceRow, now: number): Promise<boolean> {
    if (row.flow_id === null) return true;
    const flow = await this.#parts.manager.flow(row.flow_id);
    if (flow === undefined) return true;
    if (flow.status === "running") return false;
    return now - (flow.finishedAt ?? now) > this.#parts.timings.orphanGraceMs;
  }

  #plan(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#guarded().finally(() => {
        this.#plan();
      });
    }, this.#parts.timings.watchdogEveryMs);
    this.#timer.unref();
  }

  async #guarded(): Promise<void> {
    try {
      await this.pass();
    } catch (error) {
      // The next pass comes in any case: a store that is away must not end the watchdog.
      this.#parts.log.error({ err: error }, "the watchdog could not look");
    }
  }
}

function stepOf(row: InstanceRow): string {
  if (row.provider_id === null) return "create";
  return row.active_at === null ? "await-active" : "await-ready";
}
