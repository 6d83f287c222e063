import type { Failure } from "@provost/contract";
import { sql } from "kysely";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import { titleOf } from "./rules.ts";
import { taskRow, type Mark, type Progress, type TaskRow } from "./task-row.ts";

/** How a task leaves its instance. */
export interface Ending {
  status: InstanceRow["status"];
  desired: InstanceRow["desired"];
  /** Where it has another type now. */
  type?: string | undefined;
  monthlyUsd?: number | undefined;
  failure?: Failure | undefined;
  message: string;
}

/**
 * The rows of tasks. What a task's own jobs write is a compare-and-set on `version`, so that an attempt that has lost its lease
 * changes nothing and calls nothing (C4); its beginning and its end are one with the instance's row:
 *
 *   waiting ── turn ──► running ──────────────── done
 *      │                   └── failing (undoing) ── failed
 *      └── waited too long, refused ─────────────── failed
 */
export class TaskRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async byId(id: string): Promise<TaskRow | undefined> {
    const row = await this.#store.db.selectFrom("control_task").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : taskRow(row);
  }

  /** C4: written before the call. Undefined when another attempt has written since, or the task is over. */
  intended(task: TaskRow, step: string, mark: Mark): Promise<TaskRow | undefined> {
    return this.#progressed(task, { ...task.progress, step, marks: { ...task.progress.marks, [step]: mark } });
  }

  /** The answer to the last call: accepted, or certainly without an effect (`undone`: the mark before it is restored). */
  answered(task: TaskRow, step: string, mark: Mark | undefined): Promise<TaskRow | undefined> {
    const { [step]: _before, ...others } = task.progress.marks;
    const marks = mark === undefined ? others : { ...others, [step]: mark };
    return this.#progressed(task, { ...task.progress, marks });
  }

  /** The step has ended. `say` is told where it did something. */
  async stepDone(
    task: TaskRow,
    step: string,
    more: Partial<Progress>,
    told: { at: number; say: string | undefined },
  ): Promise<void> {
    const progress = { ...task.progress, ...more, step, done: [...task.progress.done, step] };
    await this.#store.write(async (write) => {
      if (told.say !== undefined) await lockInstance(write, task);
      if ((await saveProgress(write, task, progress)) === undefined || told.say === undefined) return;
      const line = { instanceId: task.instance_id, at: told.at, message: told.say, taskId: task.id };
      await write.event({ ...line, kind: "task_step" });
    });
  }

  /** Its clock begins (C7). */
  async clockStarted(task: TaskRow, now: number): Promise<void> {
    if (task.clock_at !== null) return;
    await this.#store.db
      .updateTable("control_task")
      .set({ clock_at: now })
      .where("id", "=", task.id)
      .where("clock_at", "is", null)
      .execute();
  }

  /** Time in the line of a rate budget is on no clock (C7, C11). */
  async paused(task: TaskRow, ms: number): Promise<void> {
    await this.#store.db
      .updateTable("control_task")
      .set({ paused_ms: sql<number>`paused_ms + ${Math.ceil(ms)}` })
      .where("id", "=", task.id)
      .execute();
  }

  /** The first failure holds; from here on things are put back. Undefined when the task is over. */
  async failing(task: TaskRow, why: Failure, now: number): Promise<TaskRow | undefined> {
    return this.#store.write(async (write) => {
      const row = await write.db
        .updateTable("control_task")
        .set((eb) => ({ failure: JSON.stringify(why), undo_at: now, paused_ms: 0, version: eb("version", "+", 1) }))
        .where("id", "=", task.id)
        .where("status", "=", "running")
        .where("failure", "is", null)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return taskRow(row);
    });
  }

  /** The end, told once: the instance is free for its next task. False when it had ended before. */
  async ended(task: TaskRow, ending: Ending, now: number): Promise<boolean> {
    return this.#store.write(async (write) => {
      const freed = await write.db
        .updateTable("control_instance")
        .set({
          status: ending.status,
          desired: ending.desired,
          task: null,
          task_id: null,
          ...(ending.type === undefined ? {} : { type: ending.type, monthly_usd: ending.monthlyUsd ?? null }),
        })
        .where("id", "=", task.instance_id)
        .where("task_id", "=", task.id)
        .returning("id")
        .executeTakeFirst();
      if (freed === undefined) return false;
      const { failure } = ending;
      await write.db
        .updateTable("control_task")
        .set({ status: failure === undefined ? "done" : "failed", ended_at: now, ...failureColumn(failure) })
        .where("id", "=", task.id)
        .execute();
      await write.event({
        instanceId: task.instance_id,
        at: now,
        kind: failure === undefined ? "task_done" : "task_failed",
        message: ending.message,
        taskId: task.id,
      });
      return true;
    });
  }

  /** One that never took its instance. `also` joins the transaction. False when it has begun, or ended, before. */
  async givenUp(task: TaskRow, why: Failure, now: number, also?: (write: Write) => Promise<void>): Promise<boolean> {
    return this.#store.write(async (write) => {
      await lockInstance(write, task);
      const changed = await write.db
        .updateTable("control_task")
        .set({ status: "failed", ended_at: now, ...failureColumn(why) })
        .where("id", "=", task.id)
        .where("status", "=", "waiting")
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return false;
      const message = `${titleOf(task.kind)} was not begun: ${why.message}`;
      await write.event({ instanceId: task.instance_id, at: now, kind: "task_failed", message, taskId: task.id });
      await also?.(write);
      return true;
    });
  }

  #progressed(task: TaskRow, progress: Progress): Promise<TaskRow | undefined> {
    return this.#store.write((write) => saveProgress(write, task, progress));
  }
}

async function saveProgress(write: Write, task: TaskRow, progress: Progress): Promise<TaskRow | undefined> {
  const row = await write.db
    .updateTable("control_task")
    .set({ progress: JSON.stringify(progress), version: task.version + 1 })
    .where("id", "=", task.id)
    .where("status", "=", "running")
    .where("version", "=", task.version)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : taskRow(row);
}

/** Before the task's row, always: events of one instance are in the order of their commits, and nothing locks crosswise. */
async function lockInstance(write: Write, task: TaskRow): Promise<void> {
  await write.db
    .updateTable("control_instance")
    .set((eb) => ({ status: eb.ref("status") }))
    .where("id", "=", task.instance_id)
    .execute();
}

function failureColumn(failure: Failure | undefined): { failure?: string } {
  return failure === undefined ? {} : { failure: JSON.stringify(failure) };
}
