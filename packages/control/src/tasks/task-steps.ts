import { ProvostError, type Failure } from "@provost/contract";
import type { StepParts } from "../flows/create-step.ts";
import { brokenStep } from "../flows/destroy-step.ts";
import { done, type StepEnd } from "../flows/step.ts";
import { failure } from "../instances/failure.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import type { InstanceRow } from "../storage/rows.ts";
import { isAtRest, restingStatus, taskRules, titleOf, type StepName, type UndoName } from "./rules.ts";
import { StepRunner, taskOverdue, type StepResult, type TaskContext } from "./step-runner.ts";
import { TaskRecords } from "./task-records.ts";
import type { Progress, TaskRow } from "./task-row.ts";

const words: Partial<Record<StepName | UndoName, string>> = {
  start: "It runs",
  "start-again": "It runs again",
  stop: "It is stopped",
  "power-off": "It is stopped",
  reboot: "It runs again",
  change: "It has the new type",
  snapshot: "The snapshot is taken",
  restore: "Its disks are as they were",
  "undo-stop": "It is stopped, to be put back",
  "undo-change": "It has its old type again",
  "undo-start": "It runs again",
};

/** The jobs of a task: its steps, its good end, and what follows a failure. All can be run again at any moment (L3). */
export class TaskSteps {
  readonly #records: TaskRecords;
  readonly #parts: StepParts;
  readonly #runner: StepRunner;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#records = new TaskRecords(parts.store);
    this.#runner = new StepRunner(parts, this.#records);
  }

  async step(name: StepName, context: TaskContext): Promise<StepEnd> {
    const task = await this.#mine(context);
    if (task === undefined) return over;
    if (task.failure !== null) return { end: "fail", failure: task.failure };
    if (task.progress.done.includes(name)) return done;
    const row = await this.#parts.records.byId(task.instance_id);
    if (row === undefined) return over;
    const result = await this.#runner.attempt(task, row, name, context);
    if (result.is === "later") return result.end;
    if (result.is === "failed") return { end: "fail", failure: result.failure };
    await this.#told(task, name, learnt(name, result.seen, result.backupId), result.asked);
    return done;
  }

  /** Every step has come to its end. */
  async finish(context: TaskContext): Promise<StepEnd> {
    const task = await this.#mine(context);
    const row = task === undefined ? undefined : await this.#parts.records.byId(task.instance_id);
    if (task === undefined || row === undefined) return done;
    const now = await this.#parts.store.now();
    const { was, type: after } = task.progress;
    const { desired } = taskRules[task.kind];
    const type =
      task.input.type !== undefined
        ? { type: task.input.type, monthlyUsd: task.input.monthlyUsd }
        : after === undefined || after === row.type
          ? {}
          : { type: after };
    const seconds = ((now - (task.started_at ?? now)) / 1_000).toFixed(1);
    await this.#records.ended(
      task,
      {
        status: task.kind === "snapshot" ? was.status : restingStatus(row.observed_status, was.status),
        desired: desired ?? was.desired,
        ...type,
        message: `${titleOf(task.kind)} done after ${seconds} s`,
      },
      now,
    );
    return done;
  }

  /**
   * C9: after a failure, once it is written down, plan and power are put back as the task's rule says; then the user is told which step
   * failed, what the provider said, and how the instance stands now. `why` is asked for only when nothing is written yet.
   */
  async undo(context: TaskContext, why: () => Promise<Failure>): Promise<StepEnd> {
    const { store, records } = this.#parts;
    let task = await this.#mine(context);
    const row = task === undefined ? undefined : await records.byId(task.instance_id);
    if (task === undefined || row === undefined) return done;
    const now = await store.now();
    if (task.failure === null) task = await this.#records.failing(task, await why(), now);
    if (task === undefined) return { end: "defer", afterMs: 1 };
    const next = this.#undoOf(task).find((name) => !task.progress.done.includes(name));
    const result = await this.#attempt(task, row, next ?? "look", context);
    if (result.is === "later") {
      if (!(await taskOverdue(task, row, now, 0, this.#parts))) return result.end;
      return this.#failed(task, row, undefined, "the provider could not be asked how it stands");
    }
    if (next === undefined) {
      return this.#failed(task, row, result.is === "reached" ? result.seen : undefined, undefined);
    }
    // The attempt may have written to it: what it has asked for, and that it was refused.
    const current = await this.#mine(context);
    if (current === undefined) return done;
    const { left } = current.progress;
    const more = result.is === "failed" ? { left: [...left, `${next}: ${result.failure.message}`] } : {};
    await this.#told(current, next, more, result.is === "reached" && result.asked);
    return { end: "defer", afterMs: 1 };
  }

  /** What no later attempt would do better (an account that is gone) is a failed step. */
  async #attempt(
    task: TaskRow,
    row: InstanceRow,
    name: StepName | UndoName,
    context: TaskContext,
  ): Promise<StepResult> {
    try {
      return await this.#runner.attempt(task, row, name, context);
    } catch (error) {
      if (!(error instanceof ProvostError)) throw error;
      return { is: "failed", failure: brokenStep(name, error.message) };
    }
  }

  /** Nothing was asked of the provider: nothing to put back. A plan that cannot be put back on a running server stays. */
  #undoOf(task: TaskRow): readonly UndoName[] {
    const { marks, before } = task.progress;
    return before === undefined || Object.keys(marks).length === 0 ? [] : taskRules[task.kind].undo;
  }

  async #failed(
    task: TaskRow,
    row: InstanceRow,
    seen: ProviderInstance | undefined,
    unseen?: string,
  ): Promise<StepEnd> {
    const { store, log } = this.#parts;
    const { before, was, left } = task.progress;
    const first = task.failure ?? failure("internal", "undo", "No reason is known.");
    const why = { ...first, state: stateOf({ before, left }, seen, unseen) };
    const rest = restingStatus(seen?.status, was.status);
    const changed = seen !== undefined && seen.type !== row.type && isAtRest(seen);
    const monthlyUsd = seen?.type === task.input.type ? task.input.monthlyUsd : undefined;
    const message = `${titleOf(task.kind)} failed in step ${why.step}: ${why.message} ${why.state} ${why.whatToDo}`;
    const ending = { status: rest, desired: was.desired, failure: why, message };
    const type = changed ? { type: seen.type, monthlyUsd } : {};
    if (await this.#records.ended(task, { ...ending, ...type }, await store.now())) {
      log.warn({ instance: row.id, task: task.id, code: why.code, step: why.step, state: why.state }, "a task failed");
    }
    return done;
  }

  async #told(task: TaskRow, name: StepName | UndoName, more: Partial<Progress>, asked: boolean): Promise<void> {
    const at = await this.#parts.store.now();
    await this.#records.stepDone(task, name, more, { at, say: asked ? words[name] : undefined });
  }

  /** Undefined when the task is over, or has another flow now. */
  async #mine({ taskId, flowId }: TaskContext): Promise<TaskRow | undefined> {
    const task = await this.#records.byId(taskId);
    return task?.status === "running" && task.flow_id === flowId ? task : undefined;
  }
}

/** What a step has found out, for those behind it. */
function learnt(name: StepName, { type, status }: ProviderInstance, backupId: string | undefined): Partial<Progress> {
  if (name === "look") return { before: { type, power: status === "running" ? "running" : "stopped" } };
  if (name === "start-again") return { type };
  return backupId === undefined ? {} : { backupId };
}

const over: StepEnd = { end: "fail", failure: failure("cancelled", "task", "The task was ended before this step.") };

/** How it stands now, for people. */
function stateOf(
  { before, left }: Pick<Progress, "before" | "left">,
  seen: ProviderInstance | undefined,
  unseen: string | undefined,
): string {
  const notBack = left.length === 0 ? "" : ` Not put back: ${left.join(" ")}`;
  if (seen === undefined)
    return `How it stands now is not known: ${unseen ?? "the provider did not show it"}.${notBack}`;
  const type = before === undefined || before.type === seen.type ? seen.type : `${seen.type} (before: ${before.type})`;
  const power =
    before === undefined || before.power === seen.status ? seen.status : `${seen.status} (before: ${before.power})`;
  return `It is ${power} now, of the type ${type}.${notBack}`;
}
