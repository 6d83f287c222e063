import { failureSchema, ProvostError, type Failure, type TaskKind } from "@provost/contract";
import { defineJob, flow, type FlowBuilder, type JobContext, type JobDefinition, type JobRequest } from "@provost/jobs";
import { z } from "zod";
import { brokenStep } from "../flows/destroy-step.ts";
import { directive, wakeKey, type StepEnd } from "../flows/step.ts";
import { failure } from "../instances/failure.ts";
import { taskRules, type StepName } from "./rules.ts";
import type { TaskContext } from "./step-runner.ts";
import type { TaskSteps } from "./task-steps.ts";

const input = z.object({ id: z.string(), instance: z.string() });
type Input = z.output<typeof input>;
type Context = JobContext<Input>;

/** `attemptsMax` of the job manager: the task's own clock ends it before (C7). */
const attempts = 1_000;
/** Three calls in a row, each as long as a driver waits. */
const timeout = "3m";

/** Makes the first that waits for this instance look whether it is free. */
export function turnKey(instanceId: string): string {
  return `turn:${instanceId}`;
}

export type TaskJobs = ReturnType<typeof taskJobs>;

/** C9: each task is a flow of its steps; what follows a failure is the flow's `onFailed` job, whatever ended it (L6). */
export function taskJobs(steps: TaskSteps, takeTurn: (taskId: string) => Promise<StepEnd>) {
  const job = (name: StepName): JobDefinition<Input> =>
    defineJob(`task.${name}`, { input, attempts, timeout, run: step((context) => steps.step(name, context)) });
  const byStep: Record<StepName, JobDefinition<Input>> = {
    look: job("look"),
    start: job("start"),
    "start-again": job("start-again"),
    stop: job("stop"),
    "power-off": job("power-off"),
    reboot: job("reboot"),
    change: job("change"),
    compare: job("compare"),
    snapshot: job("snapshot"),
    restore: job("restore"),
  };
  const finish = defineJob("task.finish", { input, attempts, run: step((context) => steps.finish(context)) });
  const undo = defineJob("task.undo", { input, attempts, timeout, run: undoing(steps) });
  const turn = defineJob("task.turn", {
    input,
    attempts,
    run: async (context) => directive(context, await takeTurn(context.input.id), turnKey(context.input.instance)),
  });
  const together = (given: Input, kind: TaskKind): FlowBuilder =>
    taskRules[kind].steps
      .reduce((built, name) => built.then(byStep[name].with(given)), flow(byStep.look, given))
      .then(finish.with(given))
      .onFailed(undo, given);
  return {
    all: [...Object.values(byStep), finish, undo, turn],
    task: together,
    /** For a task that has failed, and whose jobs were lost. */
    undo: (given: Input): FlowBuilder => flow(undo, given),
    /** One job for each task that waits, however often it is enqueued. */
    turn: (given: Input): JobRequest => turn.with(given, { wake: turnKey(given.instance), unique: `turn:${given.id}` }),
  };
}

function step(run: (context: TaskContext) => Promise<StepEnd>) {
  return async (context: Context) => {
    const end = await run(of(context)).catch((error: unknown): StepEnd => {
      // An account that is gone, a secret that does not open: no later attempt would go better. Anything else is tried again.
      if (!(error instanceof ProvostError)) throw error;
      return { end: "fail", failure: brokenStep(context.name.replace(/^task\./, ""), error.message) };
    });
    return directive(context, end, wakeKey(context.input.instance));
  };
}

function undoing(steps: TaskSteps) {
  return async (context: Context) => {
    const why = async (): Promise<Failure> => {
      const ended = await context.flowFailure();
      const kept = failureSchema.safeParse(ended?.failure.details);
      if (kept.success) return kept.data;
      if (ended?.status === "cancelled") return failure("cancelled", "task", "Its jobs were cancelled.");
      return brokenStep("task", ended?.failure.message ?? "Its jobs were lost.");
    };
    return directive(context, await steps.undo(of(context), why), wakeKey(context.input.instance));
  };
}

function of({ input: { id }, flowId, signal }: Context): TaskContext {
  return { taskId: id, flowId, signal };
}
