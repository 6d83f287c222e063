import {
  exitCodes,
  instanceSchema,
  ProvostError,
  taskSchema,
  type Instance,
  type InstanceEvent,
} from "@provost/contract";
import type { Context } from "../context.ts";
import { goesOn, lastEvent, waitFor } from "../follow.ts";
import { address } from "../output/words.ts";
import { readTimeout } from "./deploy.ts";
import { path } from "./instance.ts";

export interface DestroyOptions {
  yes?: boolean;
  detach?: boolean;
  timeout?: string;
  waitForTask?: boolean;
}

/** `provost instance destroy`: asks first, then waits until the provider says that it is gone. */
export async function destroyInstance(context: Context, ref: string, options: DestroyOptions): Promise<number> {
  const timeoutMs = readTimeout(options.timeout);
  const api = context.api();
  const found = await api.get(path(ref), instanceSchema);
  if (options.yes !== true && !(await isSure(context, found))) {
    context.terminal.err("Nothing was destroyed.\n");
    return exitCodes.failure;
  }
  const after = await lastEvent(api, found);
  const ifBusy = options.waitForTask === true ? "wait" : "refuse";
  const instance = await api.delete(`${path(found.id)}?ifBusy=${ifBusy}`, instanceSchema);
  if (options.detach === true) {
    if (context.json) context.out(`${JSON.stringify({ instance })}\n`);
    else context.out(`Destroying ${instance.name}.\n`);
    return exitCodes.done;
  }
  if (instance.status === "destroyed") return ended(context, instance);
  if (!context.json) context.out(`Destroying ${context.paint.bold(instance.name)} at ${instance.provider}\n`);
  try {
    const asked = { ...instance, createdAt: new Date().toISOString() };
    // One that waits for another task is not its end; one that is given up is.
    const ends = async ({ kind, taskId }: InstanceEvent): Promise<boolean> =>
      kind === "destroyed" ||
      (kind === "task_failed" &&
        taskId !== undefined &&
        (await api.get(`/v1/tasks/${taskId}`, taskSchema)).kind === "destroy");
    return ended(context, await waitFor(context, api, asked, { after, ends, timeoutMs }));
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    context.terminal.err(goesOn(context, instance, "The destroy"));
    return exitCodes.interrupted;
  }
}

function ended(context: Context, instance: Instance): number {
  const isGone = instance.status === "destroyed";
  if (context.json) context.out(`${JSON.stringify({ instance })}\n`);
  else if (isGone) context.out(`\n${context.paint.green("✓")} ${context.paint.bold(instance.name)} is destroyed.\n`);
  else
    context.terminal.err(`\n${context.paint.red("✗")} ${instance.name} was not destroyed; the last line says why.\n`);
  return isGone ? exitCodes.done : exitCodes.operationFailed;
}

async function isSure(context: Context, instance: Instance): Promise<boolean> {
  if (!context.terminal.isTty) {
    throw new ProvostError("invalid_request", `To destroy ${instance.name} without being asked, add --yes.`, {
      field: "--yes",
    });
  }
  const where = address(instance);
  const answer = await context.terminal.ask(
    `Destroy ${instance.name}${where === undefined ? "" : ` (${where})`} at ${instance.provider}, with all that is on it? [y/N] `,
  );
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}
