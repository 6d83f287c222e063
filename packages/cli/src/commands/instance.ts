import {
  exitCodes,
  instanceLogSchema,
  instanceSchema,
  pageSchema,
  ProvostError,
  rootPasswordSchema,
  type Instance,
} from "@provost/contract";
import { z } from "zod";
import type { Context } from "../context.ts";
import { followEvents } from "../client/event-stream.ts";
import { deployEnds } from "../follow.ts";
import { failureReport } from "../output/failure-report.ts";
import { facts, table } from "../output/table.ts";
import type { Paint } from "../output/terminal.ts";
import {
  address,
  age,
  cost,
  dollars,
  expiry,
  harmless,
  painted,
  quotedLines,
  waitFacts,
  waitText,
} from "../output/words.ts";
import { awaitDeploy, readTimeout } from "./deploy.ts";

const instancePage = pageSchema(instanceSchema);
const logList = z.object({ items: z.array(instanceLogSchema) });

export interface ListOptions {
  failed?: boolean;
  all?: boolean;
  provider?: string;
  region?: string;
  status?: string;
  type?: string;
  tag?: string;
  name?: string;
  search?: string;
  limit: string;
}

const narrowing = ["provider", "region", "status", "type", "tag", "name"] as const;

/** `provost instance list`. */
export async function listInstances(context: Context, options: ListOptions): Promise<number> {
  const query = new URLSearchParams({ limit: readLimit(options.limit) });
  if (options.failed === true) query.set("failed", "true");
  if (options.all === true) query.set("all", "true");
  const terms = [...narrowing.map((term) => [term, options[term]] as const), ["q", options.search] as const];
  for (const [term, value] of terms) if (value !== undefined) query.set(term, value);
  const isNarrowed = terms.some(([, value]) => value !== undefined);
  const page = await context.api().get(`/v1/instances?${query.toString()}`, instancePage);
  if (context.json) {
    context.printJson(page);
  } else if (page.items.length === 0 && isNarrowed) {
    context.out("No instance fits.\n");
  } else {
    context.out(
      options.failed === true ? failedTable(context, page.items) : liveTable(context, page.items, options.all === true),
    );
    if (page.next !== undefined) context.out(`There are more: --limit shows up to 500.\n`);
  }
  return exitCodes.done;
}

function liveTable(context: Context, instances: Instance[], all: boolean): string {
  const { command, paint } = context;
  if (instances.length === 0) {
    return all
      ? "There are no instances.\n"
      : `No instances. Deploy one: ${command} deploy --help. Failed ones: ${command} instance list --failed\n`;
  }
  const now = Date.now();
  const rows = instances.map((each) => [
    paint.bold(each.name),
    statusText(each, paint),
    address(each),
    each.provider,
    each.region,
    each.type,
    dollars(each.monthlyUsd),
    age(each.createdAt, now),
    ...(all ? [each.id] : []),
  ]);
  const headings = [
    "Name",
    "Status",
    "Address",
    "Provider",
    "Region",
    "Type",
    "A month",
    "Age",
    ...(all ? ["Id"] : []),
  ];
  const standing = instances.filter(({ status }) => status !== "destroyed");
  const priced = standing.flatMap(({ monthlyUsd }) => (monthlyUsd === undefined ? [] : [monthlyUsd]));
  const total = dollars(priced.reduce((sum, each) => sum + each, 0));
  const sum = priced.length === 0 ? "" : `\n${count(priced.length)} cost ${total} a month together.\n`;
  return table(headings, rows, paint) + sum;
}

function count(instances: number): string {
  return instances === 1 ? "This 1 instance" : `These ${instances} instances`;
}

function statusText({ status, waiting }: Instance, paint: Paint): string {
  if (waiting === undefined) return painted(status, paint);
  return `${painted(status, paint)} ${paint.dim(`(${waitText(waiting)})`)}`;
}

/** With what each has cost, by when to look at it, and the way to its logs (C8). */
function failedTable(context: Context, instances: Instance[]): string {
  const { command, paint } = context;
  if (instances.length === 0) return "No failed instances.\n";
  const now = Date.now();
  const rows = instances.map((each) => [
    paint.bold(each.name),
    each.failure === undefined ? undefined : paint.red(each.failure.code),
    each.failure?.step,
    address(each),
    each.provider,
    age(each.archivedAt ?? each.createdAt, now),
    cost(each),
    expiry(each, now, paint),
    `${command} instance logs ${each.id}`,
  ]);
  const columns = ["Name", "Cause", "Step", "Address", "Provider", "Failed", "Cost", "Expires", "Logs"];
  return `${table(columns, rows, paint)}\nTheir servers still stand until you destroy them: ${command} instance destroy ID (or release, or adopt)\n`;
}

/** `provost instance show`. */
export async function showInstance(context: Context, ref: string): Promise<number> {
  const instance = await context.api().get(path(ref), instanceSchema);
  if (context.json) context.printJson(instance);
  else context.out(description(context, instance));
  return exitCodes.done;
}

function description(context: Context, each: Instance): string {
  const { paint } = context;
  const text = facts(
    [
      ["Name", paint.bold(each.name)],
      ["Id", each.id],
      ["Status", painted(each.status, paint)],
      [
        "Task",
        each.task === undefined
          ? undefined
          : `${each.task.kind}${each.task.id === undefined ? "" : ` (${each.task.id})`}`,
      ],
      ["Protected", each.protected ? "from being destroyed" : undefined],
      ["Tags", each.tags.join(", ") || undefined],
      ["Waits for", each.waiting === undefined ? undefined : harmless(waitFacts(each.waiting))],
      ["Stage", each.stage],
      ["IPv4", each.ipv4.join(", ") || undefined],
      ["IPv6", each.ipv6.join(", ") || undefined],
      ["Provider", each.provider],
      [
        "At the provider",
        each.providerId === undefined ? each.providerName : `${each.providerName} (${each.providerId})`,
      ],
      [
        "Provider says",
        each.observed === undefined
          ? undefined
          : `${harmless(each.observed.status)}, ${age(each.observed.at, Date.now())} ago`,
      ],
      ["Region", each.region],
      ["Type", each.type],
      ["Image", each.image],
      ["Price", each.monthlyUsd === undefined ? undefined : `${dollars(each.monthlyUsd)} a month`],
      ["Cost so far", dollars(each.costUsd)],
      ["Root password", each.rootPassword === "none" ? undefined : each.rootPassword],
      ["Asked for", each.createdAt],
      ["Provisioned", each.provisionedAt],
      ["Archived", each.archivedAt],
      ["Expires", expiry(each, Date.now(), paint)],
    ],
    paint,
  );
  return each.failure === undefined ? text : text + failureReport(context, each);
}

/** `provost instance logs`: what the instance itself reported. */
export async function showLogs(context: Context, ref: string, options: { follow?: boolean }): Promise<number> {
  const api = context.api();
  const instance = await api.get(path(ref), instanceSchema);
  let shown = 0;
  const showNew = async (): Promise<void> => {
    const { items } = await api.get(`${path(instance.id)}/logs`, logList);
    for (const item of items.slice(shown)) {
      if (context.json) context.out(`${JSON.stringify(item)}\n`);
      else
        context.out(
          `${context.paint.dim(item.at)}  ${context.paint.bold(harmless(item.step))}\n${quotedLines(item.log, context.paint)}`,
        );
    }
    shown = items.length;
  };
  await showNew();
  if (options.follow !== true) {
    if (shown === 0 && !context.json)
      context.out(`${instance.name} has sent no log lines. It is ${instance.status}.\n`);
    return exitCodes.done;
  }
  try {
    for await (const event of followEvents(api, instance.id, 0, context.interrupted)) {
      await showNew();
      if (deployEnds(event)) break;
    }
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    return exitCodes.interrupted;
  }
  return exitCodes.done;
}

/** `provost instance follow`: the deploy's stages so far and to come. */
export async function followInstance(context: Context, ref: string, options: { timeout?: string }): Promise<number> {
  const timeoutMs = readTimeout(options.timeout);
  const api = context.api();
  return awaitDeploy(context, api, await api.get(path(ref), instanceSchema), timeoutMs);
}

/** `provost instance password`. */
export async function revealPassword(context: Context, ref: string): Promise<number> {
  const answer = await context.api().post(`${path(ref)}/root-password`, undefined, rootPasswordSchema);
  if (context.json) {
    context.printJson(answer);
  } else {
    context.out(`${answer.rootPassword}\n`);
    if (context.terminal.isTty) context.terminal.err("Shown this once: keep it somewhere safe.\n");
  }
  return exitCodes.done;
}

export function path(ref: string): string {
  return `/v1/instances/${encodeURIComponent(ref)}`;
}

export function readLimit(text: string): string {
  if (/^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= 500) return text;
  throw new ProvostError("invalid_request", `--limit is ${JSON.stringify(text)}: give a number from 1 to 500.`, {
    field: "--limit",
  });
}
