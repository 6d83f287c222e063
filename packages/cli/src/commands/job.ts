import {
  exitCodes,
  jobActResultSchema,
  jobDetailSchema,
  jobSchema,
  jobWhySchema,
  pageSchema,
  type JobAttemptView,
  type JobDetail,
  type JobView,
} from "@provost/contract";
import type { Command } from "commander";
import { argument, limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import type { Paint } from "../output/terminal.ts";
import { age, elapsed, harmless } from "../output/words.ts";
import { readLimit } from "./instance.ts";

interface ListOptions {
  status?: string;
  queue?: string;
  name?: string;
  key?: string;
  limit: string;
}

const jobPage = pageSchema(jobSchema);
const acts = {
  "run-now": ["run a job now: ahead of all others, past its delay and a pause", "runs next"],
  retry: ["give a failed or cancelled job a fresh budget", "is ready again"],
  cancel: ["cancel a job; one that runs is asked to end", "is cancelled"],
} as const;

/** Adds `provost job …`. */
export function addJobCommands(program: Command, act: Act, called: string): void {
  const job = program.command("job").description("jobs: what runs, what waits, and why");
  job
    .command("list")
    .description("jobs, newest first")
    .option(
      "--status <status>",
      "waiting, delayed, queued, in_progress, processed, failed, cancelled; several with commas",
    )
    .option("--queue <queue>", "jobs of this queue")
    .option("--name <name>", "jobs of this name")
    .option("--key <key>", "what holds this unique key, or waits for this wake key")
    .option(...limitOption)
    .addHelpText(
      "after",
      examples(called, ["job list --status failed", "job list --queue sweeps --status queued,delayed"]),
    )
    .action(act((context, command) => listJobs(context, command.opts<ListOptions>())));
  job
    .command("show")
    .description("a job's story: its attempts, its errors, its priority over time")
    .argument("<job>", "id")
    .action(act((context, command) => showJob(context, argument(command))));
  job
    .command("why")
    .description("why a job is not running")
    .argument("<job>", "id")
    .action(act((context, command) => whyJob(context, argument(command))));
  for (const name of ["run-now", "retry", "cancel"] as const) {
    job
      .command(name)
      .description(acts[name][0])
      .argument("<job>", "id")
      .action(act((context, command) => actOn(context, argument(command), name)));
  }
}

async function listJobs(context: Context, { limit, ...filter }: ListOptions): Promise<number> {
  const query = new URLSearchParams({ ...filter, limit: readLimit(limit) });
  const page = await context.api().get(`/v1/jobs?${query.toString()}`, jobPage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  const now = Date.now();
  const rows = page.items.map((each) => [
    each.id,
    context.paint.bold(each.name),
    painted(each.status, context.paint),
    each.queue,
    String(each.priority),
    `${each.attemptsUsed}/${each.attempts}`,
    age(each.createdAt, now),
    harmless(each.failure?.message ?? ""),
  ]);
  if (rows.length === 0 && page.next === undefined) context.out("No job fits.\n");
  else
    context.out(table(["Id", "Name", "Status", "Queue", "Priority", "Attempts", "Age", "Error"], rows, context.paint));
  if (page.next !== undefined) context.out("There may be more: narrow it, or --limit shows up to 500.\n");
  return exitCodes.done;
}

async function showJob(context: Context, id: string): Promise<number> {
  const job = await context.api().get(path(id), jobDetailSchema);
  if (context.json) {
    context.printJson(job);
    return exitCodes.done;
  }
  const now = Date.now();
  const lines: [string, string | undefined][] = [
    ["Status", painted(job.status, context.paint)],
    ["Queue", `${job.queue} (${job.lane})`],
    ["Priority", job.priorities.map(({ priority }) => priority).join(" → ")],
    ["Attempts", `${job.attemptsUsed} of ${job.attempts} used`],
    ["Created", `${age(job.createdAt, now)} ago`],
    ["Ended", job.finishedAt === undefined ? undefined : `${age(job.finishedAt, now)} ago`],
    ["Process", job.process],
    ["Flow", job.flowId],
    ["Input", payload(job.input)],
    ["Result", job.result === undefined ? undefined : payload(job.result)],
    ["Error", job.failure === undefined ? undefined : `${harmless(job.failure.message)} [${job.failure.code}]`],
  ];
  context.out(`${context.paint.bold(job.name)} ${job.id}\n`);
  for (const [name, value] of lines) if (value !== undefined) context.out(`  ${name.padEnd(9)} ${value}\n`);
  if (job.attemptList.length === 0) return exitCodes.done;
  const rows = job.attemptList.map((each) => attemptRow(each, now));
  context.out(table(["Attempt", "Ended", "After", "Because", "Priority", "Error"], rows, context.paint));
  return exitCodes.done;
}

function attemptRow(each: JobAttemptView, now: number): string[] {
  return [
    String(each.attempt),
    `${age(each.endedAt, now)} ago`,
    elapsed(Date.parse(each.endedAt) - Date.parse(each.startedAt)),
    each.cause,
    each.priorityBefore === each.priorityAfter
      ? String(each.priorityAfter)
      : `${each.priorityBefore} → ${each.priorityAfter}`,
    harmless(each.failure?.message.split("\n", 1)[0] ?? ""),
  ];
}

async function whyJob(context: Context, id: string): Promise<number> {
  const why = await context.api().get(`${path(id)}/why`, jobWhySchema);
  if (context.json) context.printJson(why);
  else {
    context.out(`It ${harmless(why.sentence)}.\n`);
    const can = why.actions.filter((action) => action !== "unhold");
    if (can.length > 0)
      context.out(`It would take: ${can.map((each) => `${context.command} job ${each} ${id}`).join("; ")}\n`);
  }
  return exitCodes.done;
}

async function actOn(context: Context, id: string, action: keyof typeof acts): Promise<number> {
  const done = await context.api().post(`${path(id)}/${action}`, undefined, jobActResultSchema);
  if (context.json) context.printJson(done);
  else if (done.state === "requested") context.out(`Job ${id} runs, and is asked to end.\n`);
  else context.out(`${context.paint.green("✓")} Job ${id} ${acts[action][1]}.\n`);
  return exitCodes.done;
}

function painted(status: JobView["status"], paint: Paint): string {
  if (status === "processed") return paint.green(status);
  if (status === "failed") return paint.red(status);
  return status === "in_progress" ? paint.yellow(status) : paint.dim(status);
}

function payload({ bytes, value }: JobDetail["input"]): string {
  return value === undefined ? `${bytes} bytes` : harmless(JSON.stringify(value));
}

function path(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}
