import {
  backupSchema,
  exitCodes,
  instanceSchema,
  pageSchema,
  ProvostError,
  taskSchema,
  type Instance,
  type InstanceEvent,
  type TaskKind,
  type TaskView,
} from "@provost/contract";
import type { Command } from "commander";
import { z } from "zod";
import { argument, limitOption, type Act } from "../action.ts";
import { postOnce } from "../client/post-once.ts";
import type { Context } from "../context.ts";
import { lastEvent, waitFor } from "../follow.ts";
import { examples } from "../help.ts";
import { facts, table } from "../output/table.ts";
import { age, elapsed, harmless } from "../output/words.ts";
import { readTimeout } from "./deploy.ts";
import { path, readLimit } from "./instance.ts";

interface TaskOptions {
  detach?: boolean;
  waitForTask?: boolean;
  timeout?: string;
  yes?: boolean;
}

const backupList = z.object({ items: z.array(backupSchema) });
const taskPage = pageSchema(taskSchema);

/** Adds what is done to an instance that is there: `provost instance boot …`. */
export function addTaskCommands(instance: Command, act: Act, called: string): void {
  const task = (name: string, description: string): Command =>
    instance
      .command(name)
      .description(description)
      .argument("<instance>", "name, or id")
      .option("--wait-for-task", "when another task is under way, wait for its end")
      .option("--detach", "do not wait")
      .option("--timeout <duration>", "wait no longer than this, like 5m; the task goes on");
  const signals = {
    boot: "boot a stopped instance and wait until it runs",
    reboot: "reboot a running instance and wait until it runs again",
    shutdown: "ask an instance to stop, and wait until it has",
    "power-off": "take the power from an instance; what it has not written is lost",
  } as const;
  for (const [name, description] of Object.entries(signals)) {
    task(name, description).action(act((context, command) => runTask(context, command, name, {})));
  }
  task("resize", "change an instance's type; where the provider needs it, it is stopped meanwhile and started again")
    .requiredOption("--type <id>", "the type it is to have (provost provider catalog)")
    .addHelpText("after", examples(called, ["instance resize web-1 --type g6-standard-2 --wait-for-task"]))
    .action(
      act((context, command) => runTask(context, command, "resize", { type: command.opts<{ type: string }>().type })),
    );
  task("snapshot", "take a backup of an instance now")
    .option("--label <label>", "3–40 of a–z, 0–9 and -, a new one for each")
    .addHelpText("after", examples(called, ["instance snapshot web-1 --label before-upgrade"]))
    .action(
      act((context, command) =>
        runTask(context, command, "snapshot", { label: command.opts<{ label?: string }>().label }),
      ),
    );
  task("restore", "put an instance's disks back to a backup; what was written since is lost")
    .requiredOption("--backup <backup>", "id or label (provost instance backups)")
    .option("--yes", "do not ask")
    .addHelpText("after", examples(called, ["instance restore web-1 --backup before-upgrade --yes"]))
    .action(act((context, command) => restore(context, command)));
  addReadingCommands(instance, act);
}

function addReadingCommands(instance: Command, act: Act): void {
  instance
    .command("backups")
    .description("backups of an instance at its provider")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => listBackups(context, argument(command))));
  instance
    .command("tasks")
    .description("what was done to an instance, newest first")
    .argument("<instance>", "name, or id")
    .option(...limitOption)
    .action(act((context, command) => listTasks(context, argument(command), command.opts<{ limit: string }>().limit)));
  instance
    .command("protect")
    .description("keep an instance from being destroyed")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => protect(context, argument(command), "protect")));
  instance
    .command("unprotect")
    .description("let an instance be destroyed")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => protect(context, argument(command), "unprotect")));
}

/** Asks for the task and shows its steps until it has ended. */
async function runTask(context: Context, command: Command, verb: string, body: object): Promise<number> {
  const options = command.opts<TaskOptions>();
  const timeoutMs = readTimeout(options.timeout);
  const api = context.api();
  const instance = await api.get(path(argument(command)), instanceSchema);
  const after = await lastEvent(api, instance);
  const request = { ...body, ...(options.waitForTask === true ? { ifBusy: "wait" } : {}) };
  const task = await postOnce(context, api, `${path(instance.id)}/${verb}`, request, taskSchema);
  if (options.detach === true) return detached(context, task);
  if (!context.json)
    context.out(`${title(task.kind)} of ${context.paint.bold(instance.name)} at ${instance.provider}\n`);
  const showWith = `instance tasks ${instance.name}`;
  try {
    const ends = (event: InstanceEvent): boolean =>
      event.taskId === task.id && (event.kind === "task_done" || event.kind === "task_failed");
    await waitFor(context, api, { ...instance, createdAt: task.createdAt }, { after, ends, timeoutMs, showWith });
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    context.terminal.err(
      `\n${title(task.kind)} of ${instance.name} goes on without this command: \`${context.command} ${showWith}\`.\n`,
    );
    return exitCodes.interrupted;
  }
  return report(context, await api.get(`/v1/tasks/${task.id}`, taskSchema));
}

async function restore(context: Context, command: Command): Promise<number> {
  const { yes, backup } = command.opts<TaskOptions & { backup: string }>();
  const name = argument(command);
  if (yes !== true) {
    if (!context.terminal.isTty) {
      throw new ProvostError("invalid_request", `To restore ${name} without being asked, add --yes.`, {
        field: "--yes",
      });
    }
    const answer = await context.terminal.ask(
      `Put the disks of ${name} back to ${backup}? What was written since is lost. [y/N] `,
    );
    if (!/^y(es)?$/i.test(answer?.trim() ?? "")) {
      context.terminal.err("Nothing was restored.\n");
      return exitCodes.failure;
    }
  }
  return runTask(context, command, "restore", { backup });
}

function detached(context: Context, task: TaskView): number {
  if (context.json) context.out(`${JSON.stringify({ task })}\n`);
  else {
    const how = task.status === "waiting" ? "waits for its turn" : "has begun";
    context.out(`${title(task.kind)} of ${task.instanceName} ${how}. Its id is ${task.id}.\n`);
  }
  return exitCodes.done;
}

/** The end of a task, for people or for programs. */
function report(context: Context, task: TaskView): number {
  const { paint } = context;
  if (context.json) {
    context.out(`${JSON.stringify({ task })}\n`);
  } else if (task.status === "done") {
    const took = elapsed(Date.parse(task.endedAt ?? task.createdAt) - Date.parse(task.startedAt ?? task.createdAt));
    context.out(
      `\n${paint.green("✓")} ${title(task.kind)} of ${paint.bold(task.instanceName)} is done, after ${took}.\n`,
    );
    if (task.kind === "snapshot") context.out(facts([["Backup", `${task.backupId} (${task.label})`]], paint, "  "));
  } else {
    context.terminal.err(failed(context, task));
  }
  return task.status === "done" ? exitCodes.done : exitCodes.operationFailed;
}

/** Which step, what the provider said, how the instance stands now, what to do (C7, C9). */
function failed({ paint }: Context, { kind, instanceName, failure }: TaskView): string {
  const head = `\n${paint.red("✗")} ${title(kind)} of ${paint.bold(instanceName)} failed`;
  if (failure === undefined) return `${head}.\n`;
  const { providerMessage, providerRequestId: requestId } = failure;
  const request = requestId === undefined ? "" : ` (request ${harmless(requestId)})`;
  return `${head}, in step ${failure.step}.\n\n${facts(
    [
      ["Cause", `${harmless(failure.message)} ${paint.dim(`[${failure.code}]`)}`],
      ["Provider", providerMessage === undefined ? undefined : `"${harmless(providerMessage)}"${request}`],
      ["Now", failure.state === undefined ? undefined : harmless(failure.state)],
      ["What to do", failure.whatToDo],
    ],
    paint,
    "  ",
  )}`;
}

async function listBackups(context: Context, ref: string): Promise<number> {
  const { items } = await context.api().get(`${path(ref)}/backups`, backupList);
  if (context.json) {
    context.printJson({ items });
  } else if (items.length === 0) {
    context.out(`${ref} has no backups yet. Take one: ${context.command} instance snapshot ${ref}\n`);
  } else {
    const rows = items.map(({ id, kind, label, status, createdAt }) => [
      id,
      kind,
      harmless(label),
      status,
      createdAt === undefined ? undefined : age(createdAt, Date.now()),
    ]);
    context.out(table(["Id", "Kind", "Label", "Status", "Age"], rows, context.paint));
  }
  return exitCodes.done;
}

async function listTasks(context: Context, ref: string, limit: string): Promise<number> {
  const page = await context.api().get(`${path(ref)}/tasks?limit=${readLimit(limit)}`, taskPage);
  if (context.json) {
    context.printJson(page);
  } else if (page.items.length === 0) {
    context.out(`Nothing was done to ${ref} since its deploy.\n`);
  } else {
    const rows = page.items.map(({ id, kind, status, step, failure, requestedBy, createdAt }) => [
      id,
      kind,
      status === "failed" ? `failed (${failure?.code ?? "?"})` : status,
      failure?.step ?? step,
      requestedBy,
      age(createdAt, Date.now()),
    ]);
    context.out(table(["Id", "Task", "Status", "Step", "By", "Age"], rows, context.paint));
  }
  return exitCodes.done;
}

async function protect(context: Context, ref: string, verb: "protect" | "unprotect"): Promise<number> {
  const instance: Instance = await context.api().post(`${path(ref)}/${verb}`, undefined, instanceSchema);
  if (context.json) context.printJson(instance);
  else
    context.out(`${instance.name} ${instance.protected ? "is protected from being destroyed" : "may be destroyed"}.\n`);
  return exitCodes.done;
}

function title(kind: TaskKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
