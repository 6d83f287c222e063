import { exitCodes, instanceSchema, taskSchema } from "@provost/contract";
import type { Command } from "commander";
import { argument, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { path } from "./instance.ts";

/** Adds `provost instance tag` and `provost instance cancel`. */
export function addTagCommands(instance: Command, act: Act, called: string): void {
  instance
    .command("tag")
    .description("set the tags of an instance, all that it shall have; none takes them away")
    .argument("<instance>", "name, or id")
    .argument("[tags...]", "1–40 of a–z, 0–9 and . _ : / -, starting with a letter")
    .addHelpText("after", examples(called, ["instance tag web-1 team:blue web", "instance tag web-1"]))
    .action(act((context, command) => setTags(context, argument(command), command.args.slice(1))));
  instance
    .command("cancel")
    .description("take a task back that waits for its instance")
    .argument("<task>", "its id (provost instance tasks)")
    .action(act((context, command) => cancelTask(context, argument(command))));
}

async function setTags(context: Context, ref: string, tags: readonly string[]): Promise<number> {
  const instance = await context.api().put(`${path(ref)}/tags`, { tags }, instanceSchema);
  if (context.json) context.printJson(instance);
  else
    context.out(
      instance.tags.length === 0
        ? `${instance.name} has no tags.\n`
        : `${instance.name} has the tags ${instance.tags.join(", ")}.\n`,
    );
  return exitCodes.done;
}

async function cancelTask(context: Context, id: string): Promise<number> {
  const task = await context.api().post(`/v1/tasks/${encodeURIComponent(id)}/cancel`, undefined, taskSchema);
  if (context.json) context.printJson(task);
  else context.out(`The ${task.kind} of ${task.instanceName} was cancelled while it waited.\n`);
  return exitCodes.done;
}
