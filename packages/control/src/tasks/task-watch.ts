import type { JobManager } from "@provost/jobs";
import type { ProviderService } from "../accounts/provider-service.ts";
import { failure } from "../instances/failure.ts";
import type { Log, Timings } from "../options.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import { restingStatus } from "./rules.ts";
import { taskOverdue } from "./step-runner.ts";
import type { TaskJobs } from "./task-jobs.ts";
import { TaskRecords } from "./task-records.ts";
import type { TaskRow } from "./task-row.ts";

interface TaskWatchParts {
  store: Store;
  manager: JobManager;
  jobs: TaskJobs;
  providers: Pick<ProviderService, "circuits">;
  timings: Timings;
  log: Log;
}

/** Waiting tasks that one pass looks after. */
const waitingMax = 500;

/** C7 for tasks: whatever becomes of their jobs, each comes to an end. Part of the watchdog's pass. */
export class TaskWatch {
  readonly #parts: TaskWatchParts;
  readonly #records: TaskRecords;

  constructor(parts: TaskWatchParts) {
    this.#parts = parts;
    this.#records = new TaskRecords(parts.store);
  }

  /** A row whose task is neither a deploy nor a destroy. */
  async look(row: InstanceRow, now: number): Promise<void> {
    const task = row.task_id === null ? undefined : await this.#records.byId(row.task_id);
    if (task?.status !== "running") return;
    // The task's own jobs come first: they know what the provider says.
    if (await taskOverdue(task, row, now, 2 * this.#parts.timings.lookEveryMs, this.#parts)) {
      await this.#outOfTime(task, row, now);
    } else if (await this.#lost(task, now)) {
      await this.#again(task, task.failure !== null);
    }
  }

  /** Their jobs may be lost too: there is one for each, however often it is enqueued. */
  async waiting(now: number): Promise<void> {
    const { store, manager, jobs, timings } = this.#parts;
    const rows = await store.db
      .selectFrom("control_task")
      .selectAll()
      .where("status", "=", "waiting")
      .where("created_at", "<", now - timings.orphanGraceMs)
      .orderBy("id")
      .limit(waitingMax)
      .execute();
    for (const row of rows) await manager.enqueue(jobs.turn({ id: row.id, instance: row.instance_id }));
  }

  async #outOfTime(task: TaskRow, row: InstanceRow, now: number): Promise<void> {
    const { log } = this.#parts;
    const seconds = Math.round((now - (task.clock_at ?? now)) / 1_000);
    const why = failure("task_timed_out", task.progress.step ?? "task", `Not finished after ${seconds} s.`);
    if (task.failure === null) {
      const failing = await this.#records.failing(task, why, now);
      if (failing !== undefined) await this.#again(failing, true);
      log.warn({ instance: row.id, task: task.id }, "the watchdog failed a task");
      return;
    }
    const state = `How it stands now is not known: it was seen ${row.observed_status ?? "never"} last.`;
    const { was } = task.progress;
    await this.#records.ended(
      task,
      {
        status: restingStatus(row.observed_status, was.status),
        desired: was.desired,
        failure: { ...task.failure, state },
        message: `${task.failure.message} ${state} ${task.failure.whatToDo}`,
      },
      now,
    );
    const open = await this.#openJobs(task);
    await this.#parts.store.write((write) => this.#cancel(open, write));
  }

  /** Its flow is gone, or ended a while ago without a word. */
  async #lost(task: TaskRow, now: number): Promise<boolean> {
    if (task.flow_id === null) return true;
    const flow = await this.#parts.manager.flow(task.flow_id);
    if (flow === undefined) return true;
    return flow.status !== "running" && now - (flow.finishedAt ?? now) > this.#parts.timings.orphanGraceMs;
  }

  /** Another flow in the place of the old one: its steps know what is done, and look before they ask (C4). */
  async #again(task: TaskRow, undoing: boolean): Promise<void> {
    const { store, manager, jobs } = this.#parts;
    const given = { id: task.id, instance: task.instance_id };
    const open = await this.#openJobs(task);
    await store
      .write(async (write) => {
        const { id } = await manager.enqueue(undoing ? jobs.undo(given) : jobs.task(given, task.kind), {
          tx: write.tx,
        });
        await write.db
          .updateTable("control_instance")
          .set({ flow_id: id })
          .where("id", "=", task.instance_id)
          .where("task_id", "=", task.id)
          .execute();
        const changed = await write.db
          .updateTable("control_task")
          .set((eb) => ({ flow_id: id, version: eb("version", "+", 1) }))
          .where("id", "=", task.id)
          .where("status", "=", "running")
          .where("flow_id", task.flow_id === null ? "is" : "=", task.flow_id)
          .returning("id")
          .executeTakeFirst();
        if (changed === undefined) throw new TakenOver();
        await this.#cancel(open, write);
      })
      .catch((error: unknown) => {
        if (!(error instanceof TakenOver)) throw error;
      });
  }

  async #openJobs({ flow_id: flowId }: TaskRow): Promise<string[]> {
    const jobs = flowId === null ? [] : await this.#parts.manager.list({ flowId });
    return jobs.filter(({ finishedAt }) => finishedAt === undefined).map(({ id }) => id);
  }

  async #cancel(ids: string[], { tx }: Write): Promise<void> {
    if (ids.length > 0) await this.#parts.manager.cancel(ids, { tx, reason: "the watchdog has taken the task over" });
  }
}

/** Another server was quicker: what this one has written is undone. */
class TakenOver extends Error {
  override readonly name = "TakenOver";
  readonly code = "taken_over";
}
