import {
  ProvostError,
  type BackupView,
  type IfBusy,
  type Instance,
  type InstanceEvent,
  type Listed,
  type TaskOrder,
  type TaskView,
} from "@provost/contract";
import type { JobManager } from "@provost/jobs";
import type { ProviderService } from "../accounts/provider-service.ts";
import type { StepEnd } from "../flows/step.ts";
import type { Tasks } from "../flows/tasks.ts";
import { failure } from "../instances/failure.ts";
import { InstanceReader } from "../instances/instance-reader.ts";
import type { InstanceRecords } from "../instances/records.ts";
import type { Timings } from "../options.ts";
import { instanceRow, instanceView, type InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import { beginning, insertTask } from "./new-task.ts";
import { checkedOrder, orderOf, readBackups } from "./order.ts";
import { busy, isGone, knownOf, refusal } from "./preconditions.ts";
import { taskRules, titleOf } from "./rules.ts";
import { turnKey, type TaskJobs } from "./task-jobs.ts";
import type { InstanceViews } from "../instances/instance-views.ts";
import { TaskRecords } from "./task-records.ts";
import { taskRow, taskView, type TaskRow } from "./task-row.ts";

export interface TaskServiceParts {
  store: Store;
  views: InstanceViews;
  records: InstanceRecords;
  providers: ProviderService;
  manager: JobManager;
  flows: Tasks;
  jobs: TaskJobs;
  timings: Timings;
}

export interface AskOptions {
  ifBusy?: IfBusy;
  idempotencyKey?: string;
  fleetId?: string | undefined;
  /** Joins the transaction that takes the instance, or has the task wait for it. */
  also?: (write: Write, taskId: string) => Promise<void>;
}

/** Tasks that wait for one instance (L14). */
const waitingMax = 20;
const pageMax = 500;
/** After these an instance may be free. */
const freeing: ReadonlySet<InstanceEvent["kind"]> = new Set([
  "provisioned",
  "failed",
  "destroyed",
  "task_done",
  "task_failed",
]);

/** C9: what people ask of instances that are there. One task at a time for each, taken with its row; a second is refused, or waits. */
export class TaskService {
  readonly #parts: TaskServiceParts;
  readonly #records: TaskRecords;
  readonly #reader: InstanceReader;

  constructor(parts: TaskServiceParts) {
    this.#parts = parts;
    this.#records = new TaskRecords(parts.store);
    this.#reader = new InstanceReader(parts.store, parts.views);
  }

  /**
   * Checks what is asked against the instance as it stands now, and takes it; where it is busy, as `ifBusy` says.
   *
   * @throws ProvostError `instance_not_found`, `task_in_progress`, `instance_running`, `instance_stopped`, `instance_not_ready`,
   *   `instance_protected`, `type_not_found`, `type_unchanged`, `backup_not_found`, `backup_not_available`, `backups_not_offered`,
   *   `idempotency_key_reused`, `provider_credentials_rejected`, …
   */
  async ask(ref: string, asked: TaskOrder, options: AskOptions = {}): Promise<TaskView> {
    const row = await this.#reader.row(ref);
    const { providers, store, flows } = this.#parts;
    const earlier = await this.#earlier(row, asked, options.idempotencyKey);
    if (earlier !== undefined) return earlier;
    const takesOver = asked.kind === "destroy" && row.task === "deploy";
    if (row.task !== null && !takesOver && options.ifBusy !== "wait") throw busy(row, 0);
    const order = await checkedOrder(providers, row, asked);
    const now = await store.now();
    if (row.task === null || takesOver) await this.#refuse(row, order);
    const cancelDeploy = takesOver ? await flows.cancelling(row, "its instance is destroyed") : undefined;
    return store.write(async (write) => {
      const locked = await lockedRow(write, row.id);
      const again = await this.#earlier(row, asked, options.idempotencyKey, write);
      if (again !== undefined) return again;
      const same = takesOver && locked.task === row.task && locked.flow_id === row.flow_id;
      const free = (locked.task === null || same) && (await firstWaiting(write, row.id)) === undefined;
      if (free || order.kind === "destroy") refuseUnfit(locked, order);
      if (!free) await this.#makeRoom(write, locked, options);
      const task = await insertTask(write, locked, order, { ...options, now });
      if (same) await cancelDeploy?.(write);
      const saved = free ? await this.#begin(write, locked, task, now) : await this.#wait(write, locked, task);
      await write.audit({
        at: now,
        action: `instance.${order.kind}`,
        target: { id: row.id, name: row.name },
        before: { status: locked.status, task: locked.task, type: locked.type },
        after: free
          ? { status: taskRules[order.kind].status, task: order.kind, ...task.input }
          : { waiting: order.kind, ...task.input },
      });
      await options.also?.(write, saved.id);
      return taskView(saved, locked.name);
    });
  }

  /** As `ask`, for what is destroyed: one that is under way, or has been done, is answered as it stands. */
  async destroy(ref: string, options: AskOptions = {}): Promise<Instance> {
    const row = await this.#reader.row(ref);
    if (row.task === "destroy" || isGone(row)) return instanceView(row);
    try {
      await this.ask(row.id, { kind: "destroy" }, options);
    } catch (error) {
      if (!(error instanceof ProvostError)) throw error;
      const current = await this.#reader.row(row.id);
      if (current.task === "destroy" || isGone(current)) return instanceView(current);
      throw error;
    }
    return instanceView(await this.#reader.row(row.id));
  }

  /** Throws `task_not_found`. */
  async get(id: string): Promise<TaskView> {
    const row = await this.#records.byId(id);
    const instance = row === undefined ? undefined : await this.#parts.records.byId(row.instance_id);
    if (row !== undefined && instance !== undefined) return taskView(row, instance.name);
    const shown = JSON.stringify(id.slice(0, 80));
    throw new ProvostError("task_not_found", `There is no task ${shown}: see the tasks of its instance.`, {
      field: "task",
    });
  }

  /**
   * Takes back what waits for its instance. What has begun is finished: a change half made is no way to leave a server.
   *
   * @throws ProvostError `task_not_found`, `task_not_waiting`.
   */
  async cancel(id: string): Promise<TaskView> {
    const { instanceName: name } = await this.get(id);
    const task = await this.#records.byId(id);
    const now = await this.#parts.store.now();
    const why = failure("cancelled", "turn", "It was cancelled while it waited.");
    const taken =
      task !== undefined &&
      (await this.#records.givenUp(task, why, now, (write) =>
        write.audit({
          at: now,
          action: "task.cancel",
          target: { id, name },
          before: { status: "waiting", kind: task.kind, instance: task.instance_id },
          after: { status: "failed" },
        }),
      ));
    const view = await this.get(id);
    // Asked twice, the second finds what the first has done.
    if (taken || view.failure?.code === "cancelled") return view;
    throw new ProvostError(
      "task_not_waiting",
      `The ${view.kind} of ${name} is ${view.status}: only a task that waits for its instance can be cancelled.`,
    );
  }

  /** Newest first; `next` is the last id of the page. */
  async list(ref: string, query: { after?: string; limit: number }): Promise<Listed<TaskView>> {
    const instance = await this.#reader.row(ref);
    const limit = Math.min(Math.max(Math.trunc(query.limit), 1), pageMax);
    let select = this.#parts.store.db
      .selectFrom("control_task")
      .selectAll()
      .where("instance_id", "=", instance.id)
      .orderBy("id", "desc")
      .limit(limit + 1);
    if (query.after !== undefined) select = select.where("id", "<", query.after);
    const rows = (await select.execute()).map((row) => taskView(taskRow(row), instance.name));
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return rows.length > limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** Throws `instance_not_ready`, `provider_unavailable`, … */
  async backups(ref: string): Promise<BackupView[]> {
    return readBackups(this.#parts.providers, await this.#reader.row(ref));
  }

  /** A task that waits takes its instance when that is free, in the order of the requests. */
  async takeTurn(taskId: string): Promise<StepEnd> {
    const { store, timings, records } = this.#parts;
    const task = await this.#records.byId(taskId);
    const row = task?.status === "waiting" ? await records.byId(task.instance_id) : undefined;
    if (task === undefined || row === undefined) return { end: "done" };
    const now = await store.now();
    const gone = row.task === "destroy" || isGone(row);
    if (!gone && now - task.created_at >= timings.taskWaitMaxMs) {
      const minutes = Math.round((now - task.created_at) / 60_000);
      const why = failure("task_wait_too_long", "turn", `${row.name} was busy for ${minutes} min.`);
      return this.#given(task, why, now);
    }
    if (row.task !== null && !gone) return { end: "defer", afterMs: timings.lookEveryMs };
    try {
      if (gone) throw new ProvostError("instance_not_ready", `${row.name} is ${row.status}.`);
      await this.#refuse(row, orderOf(task));
    } catch (error) {
      if (!(error instanceof ProvostError)) throw error;
      return this.#given(task, failure("task_refused", "turn", error.message), now);
    }
    const begun = await store.write(async (write) => {
      const locked = await lockedRow(write, row.id);
      const first = await firstWaiting(write, row.id);
      if (locked.task !== null || first !== task.id || unfit(locked, orderOf(task)) !== undefined) return false;
      await this.#begin(write, locked, { ...task, progress: beginning(locked) }, now);
      return true;
    });
    return begun ? { end: "done" } : { end: "defer", afterMs: timings.lookEveryMs };
  }

  /** Joins the transaction of an event: whoever is next looks at once. */
  async freed({ db, tx }: Write, event: InstanceEvent): Promise<void> {
    if (!freeing.has(event.kind)) return;
    const waiting = await firstWaiting({ db }, event.instanceId);
    if (waiting !== undefined) await this.#parts.manager.wake(turnKey(event.instanceId), { tx });
  }

  /** As the provider says now; what it says is kept. */
  async #refuse(row: InstanceRow, order: TaskOrder): Promise<void> {
    refuseUnfit(row, order);
    if (order.kind === "destroy") return;
    const { providers, records, store } = this.#parts;
    const at = await store.now();
    const { known, seen } = await knownOf(row, (await providers.open(row.provider)).account);
    if (seen !== undefined) await records.observed(row.id, seen, at);
    const why = refusal(row, order, known);
    if (why !== undefined) throw why;
  }

  async #given(task: TaskRow, why: ReturnType<typeof failure>, now: number): Promise<StepEnd> {
    await this.#records.givenUp(task, why, now);
    return { end: "done" };
  }

  async #makeRoom(write: Write, row: InstanceRow, { ifBusy }: AskOptions): Promise<void> {
    const waiting = await write.db
      .selectFrom("control_task")
      .select((eb) => eb.fn.countAll<number | string>().as("count"))
      .where("instance_id", "=", row.id)
      .where("status", "=", "waiting")
      .executeTakeFirstOrThrow();
    const count = Number(waiting.count);
    if (ifBusy !== "wait" || count >= waitingMax) throw busy(row, count);
  }

  async #wait(write: Write, row: InstanceRow, task: TaskRow): Promise<TaskRow> {
    await this.#parts.manager.enqueue(this.#parts.jobs.turn({ id: task.id, instance: row.id }), { tx: write.tx });
    await write.event({
      instanceId: row.id,
      at: task.created_at,
      kind: "task_waiting",
      taskId: task.id,
      message: `${titleOf(task.kind)} waits until ${row.task ?? "what was asked before"} has ended`,
    });
    return task;
  }

  /** The row, its task and its flow: all or none (L11). */
  async #begin(write: Write, row: InstanceRow, task: TaskRow, now: number): Promise<TaskRow> {
    const { manager, jobs, flows } = this.#parts;
    const rule = taskRules[task.kind];
    const given = { id: task.id, instance: row.id };
    const flowId =
      task.kind === "destroy"
        ? await flows.enqueueDestroy(row.id, write)
        : (await manager.enqueue(jobs.task(given, task.kind), { tx: write.tx })).id;
    const desired = rule.desired ?? row.desired;
    await write.db
      .updateTable("control_instance")
      .set({ task: task.kind, task_id: task.id, flow_id: flowId, status: rule.status, desired })
      .where("id", "=", row.id)
      .execute();
    const saved = await write.db
      .updateTable("control_task")
      .set({ status: "running", started_at: now, flow_id: flowId, progress: JSON.stringify(task.progress) })
      .where("id", "=", task.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const line = { instanceId: row.id, at: now, taskId: task.id };
    if (task.kind === "destroy") {
      const ended = row.task === "deploy" ? "; the deploy is cancelled" : "";
      await write.event({ ...line, kind: "destroying", message: `Destroy was asked for${ended}` });
    } else {
      const what = task.input.type ?? task.input.label ?? task.input.backup;
      const message = `${titleOf(task.kind)}${what === undefined ? "" : ` (${what})`} has begun`;
      await write.event({ ...line, kind: "task_started", message });
    }
    return taskRow(saved);
  }

  /** What this key has asked for before. Throws `idempotency_key_reused` for something else. */
  async #earlier(
    row: InstanceRow,
    asked: TaskOrder,
    key: string | undefined,
    { db }: Pick<Write, "db"> = this.#parts.store,
  ): Promise<TaskView | undefined> {
    if (key === undefined) return undefined;
    const found = await db.selectFrom("control_task").selectAll().where("idempotency_key", "=", key).executeTakeFirst();
    if (found === undefined) return undefined;
    const task = taskRow(found);
    const same = asked.kind !== "resize" || asked.type === task.input.type;
    if (task.instance_id === row.id && task.kind === asked.kind && same) return taskView(task, row.name);
    throw new ProvostError(
      "idempotency_key_reused",
      `The idempotency key ${JSON.stringify(key)} belongs to another request: use a new one.`,
    );
  }
}

/** What the row alone says, without the provider: looked at again under its lock. */
function unfit(row: InstanceRow, order: TaskOrder): ProvostError | undefined {
  return refusal(row, order, { power: undefined, type: "" });
}

function refuseUnfit(row: InstanceRow, order: TaskOrder): void {
  const why = unfit(row, order);
  if (why !== undefined) throw why;
}

/** The row's lock orders this with everything else that is done to the instance. */
async function lockedRow({ db }: Write, id: string): Promise<InstanceRow> {
  const row = await db
    .updateTable("control_instance")
    .set((eb) => ({ status: eb.ref("status") }))
    .where("id", "=", id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return instanceRow(row);
}

async function firstWaiting({ db }: Pick<Write, "db">, instanceId: string): Promise<string | undefined> {
  const found = await db
    .selectFrom("control_task")
    .select("id")
    .where("instance_id", "=", instanceId)
    .where("status", "=", "waiting")
    .orderBy("id")
    .limit(1)
    .executeTakeFirst();
  return found?.id;
}
