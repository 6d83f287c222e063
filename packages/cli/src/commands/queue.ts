import { exitCodes, pageSchema, queueSchema } from "@provost/contract";
import type { Command } from "commander";
import { argument, limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { table } from "../output/table.ts";
import { elapsed } from "../output/words.ts";
import { readLimit } from "./instance.ts";

const queuePage = pageSchema(queueSchema);

/** Adds `provost queue …`. */
export function addQueueCommands(program: Command, act: Act): void {
  const queue = program.command("queue").description("queues: how full they are; pause and resume them");
  queue
    .command("list")
    .description("queues, by name")
    .option(...limitOption)
    .action(act((context, command) => listQueues(context, command.opts<{ limit: string }>().limit)));
  queue
    .command("pause")
    .description("start no more jobs of a queue; what runs is left to run")
    .argument("<queue>", "name")
    .action(act((context, command) => change(context, argument(command), "pause", "starts no more jobs")));
  queue
    .command("resume")
    .description("start a paused queue's jobs again")
    .argument("<queue>", "name")
    .action(act((context, command) => change(context, argument(command), "resume", "starts jobs again")));
}

async function listQueues(context: Context, limit: string): Promise<number> {
  const page = await context.api().get(`/v1/queues?limit=${readLimit(limit)}`, queuePage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  const { paint } = context;
  const rows = page.items.map((each) => [
    paint.bold(each.name),
    each.paused ? paint.yellow("paused") : "open",
    String(each.ready),
    String(each.running),
    String(each.delayed),
    String(each.waiting),
    String(each.failed),
    each.oldestWaitMs === undefined ? "" : elapsed(each.oldestWaitMs),
  ]);
  if (rows.length === 0) context.out("There are no queues yet: the first job makes one.\n");
  else
    context.out(
      table(["Queue", "State", "Ready", "Running", "Delayed", "Waiting", "Failed", "Oldest wait"], rows, paint),
    );
  if (page.next !== undefined) context.out("There are more: --limit shows up to 500.\n");
  return exitCodes.done;
}

async function change(context: Context, name: string, action: string, what: string): Promise<number> {
  const queue = await context.api().post(`/v1/queues/${encodeURIComponent(name)}/${action}`, undefined, queueSchema);
  if (context.json) context.printJson(queue);
  else context.out(`${context.paint.green("✓")} Queue ${context.paint.bold(queue.name)} ${what}.\n`);
  return exitCodes.done;
}
