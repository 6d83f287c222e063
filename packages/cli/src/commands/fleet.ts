import { setTimeout as delay } from "node:timers/promises";
import {
  exitCodes,
  fleetActions,
  fleetMemberSchema,
  fleetPreviewSchema,
  fleetSchema,
  pageSchema,
  ProvostError,
  type FleetMember,
  type FleetPreview,
  type FleetView,
} from "@provost/contract";
import type { Command } from "commander";
import { argument, collect, limitOption, type Act } from "../action.ts";
import type { Api } from "../client/api.ts";
import { postOnce } from "../client/post-once.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import { age, elapsed, harmless } from "../output/words.ts";
import { readTimeout } from "./deploy.ts";
import { readLimit } from "./instance.ts";

interface FleetOptions {
  filter?: string;
  instance: string[];
  type?: string;
  count?: string;
  concurrency: string;
  maxFailures: string;
  waitForTask?: boolean;
  detach?: boolean;
  timeout?: string;
}

const fleetPage = pageSchema(fleetSchema);
const memberPage = pageSchema(fleetMemberSchema);
const lookEveryMs = 500;
const membersMax = 500;

/** Adds `provost fleet …`. */
export function addFleetCommands(program: Command, act: Act, called: string): void {
  const fleet = program.command("fleet").description("do the same to many instances");
  fleet
    .command("run")
    .description("do something to every instance that fits, a few at once, and say what became of each")
    .argument("<action>", fleetActions.join(", "))
    .option("--filter <filter>", "like 'provider:linode region:eu-central status:running,provisioned name:web-*'")
    .option("--instance <instance>", "name or id, in place of a filter; can be repeated", collect, [])
    .option("--type <id>", "of a resize")
    .option("--count <n>", "how many are expected: do not ask, and do nothing when it is another number")
    .option("--concurrency <n>", "at work at once, up to 100", "10")
    .option("--max-failures <n>", "with more failures begin no more", "3")
    .option("--wait-for-task", "when an instance has another task under way, wait for its end")
    .option("--detach", "do not wait")
    .option("--timeout <duration>", "wait no longer than this, like 20m; the work goes on")
    .addHelpText(
      "after",
      examples(called, [
        "fleet run reboot --filter 'provider:sandbox name:web-*'",
        "fleet run shutdown --filter status:running,provisioned --count 12 --concurrency 4",
        "fleet run resize --type g6-standard-2 --instance web-1 --instance web-2 --count 2",
      ]),
    )
    .action(act((context, command) => runFleet(context, argument(command), command.opts<FleetOptions>())));
  fleet
    .command("list")
    .description("fleet commands, newest first")
    .option(...limitOption)
    .action(act((context, command) => listFleets(context, command.opts<{ limit: string }>().limit)));
  fleet
    .command("show")
    .description("how far a fleet command is, and what became of each instance")
    .argument("<fleet>", "id")
    .action(act((context, command) => showFleet(context, argument(command))));
  fleet
    .command("cancel")
    .description("begin no more; what has begun is finished")
    .argument("<fleet>", "id")
    .action(act((context, command) => cancelFleet(context, argument(command))));
}

async function runFleet(context: Context, action: string, options: FleetOptions): Promise<number> {
  const timeoutMs = readTimeout(options.timeout);
  const api = context.api();
  const selection = {
    action,
    ...(options.type === undefined ? {} : { type: options.type }),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    ...(options.instance.length === 0 ? {} : { instances: options.instance }),
  };
  const confirmed = options.count === undefined ? await confirm(context, api, selection) : readCount(options.count);
  if (confirmed === undefined) {
    context.terminal.err("Nothing was begun.\n");
    return exitCodes.failure;
  }
  const request = {
    ...selection,
    ...confirmed,
    concurrency: readNumber("--concurrency", options.concurrency),
    failuresMax: readNumber("--max-failures", options.maxFailures),
    ...(options.waitForTask === true ? { ifBusy: "wait" } : {}),
  };
  const fleet = await postOnce(context, api, "/v1/fleets", request, fleetSchema);
  if (options.detach === true) {
    if (context.json) context.out(`${JSON.stringify({ fleet })}\n`);
    else context.out(`Begun: ${action} of ${fleet.total}. Follow it: ${context.command} fleet show ${fleet.id}\n`);
    return exitCodes.done;
  }
  if (!context.json) context.out(`${action} of ${fleet.total} instances, ${fleet.concurrency} at once (${fleet.id})\n`);
  try {
    return await report(context, api, await ended(context, api, fleet, timeoutMs));
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    context.terminal.err(`\nIt goes on without this command: \`${context.command} fleet show ${fleet.id}\`.\n`);
    return exitCodes.interrupted;
  }
}

/** What was shown is what is confirmed: other instances by then refuse all. Undefined for a no. */
async function confirm(context: Context, api: Api, selection: object): Promise<{ preview: string } | undefined> {
  const preview = await api.post("/v1/fleets/preview", selection, fleetPreviewSchema);
  if (!context.terminal.isTty) {
    throw new ProvostError(
      "invalid_request",
      `${preview.count} instances fit (${names(preview)}). To go on without being asked, add --count ${preview.count}.`,
      { field: "--count" },
    );
  }
  const answer = await context.terminal.ask(`${preview.count} instances: ${names(preview)}. Go on? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "") ? { preview: preview.preview } : undefined;
}

function names({ count, sample }: FleetPreview): string {
  const shown = sample.slice(0, 10).map(({ name }) => name);
  return `${shown.join(", ")}${count > shown.length ? ", …" : ""}`;
}

/** Shows how far it is each time that changes. */
async function ended(context: Context, api: Api, begun: FleetView, timeoutMs: number | undefined): Promise<FleetView> {
  const endAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  let shown = "";
  for (;;) {
    const fleet = await api.get(`/v1/fleets/${begun.id}`, fleetSchema);
    const { pending, running, done, unchanged, failed, skipped } = fleet.members;
    const line = `${done} done, ${unchanged} unchanged, ${failed} failed, ${running} at work, ${pending} to come, ${skipped} skipped`;
    if (line !== shown) context.out(context.json ? `${JSON.stringify({ fleet })}\n` : `  ${line}\n`);
    shown = line;
    if (fleet.endedAt !== undefined) return fleet;
    if (performance.now() > endAt) {
      throw new ProvostError(
        "wait_timed_out",
        `${running + pending} of ${fleet.total} have not ended and this command waits no longer (--timeout). The work goes on: \`${context.command} fleet show ${fleet.id}\`.`,
        { field: "--timeout" },
      );
    }
    await delay(lookEveryMs, undefined, { signal: context.interrupted });
  }
}

async function report(context: Context, api: Api, fleet: FleetView): Promise<number> {
  const { failed, skipped } = fleet.members;
  const well = failed === 0 && skipped === 0;
  if (context.json) {
    context.out(`${JSON.stringify({ fleet })}\n`);
  } else {
    const took = elapsed(Date.parse(fleet.endedAt ?? fleet.createdAt) - Date.parse(fleet.createdAt));
    const mark = well ? context.paint.green("✓") : context.paint.red("✗");
    context.out(`\n${mark} ${fleet.action} of ${fleet.total} is ${fleet.status}, after ${took}.\n`);
    if (!well) {
      const members = await api.get(`/v1/fleets/${fleet.id}/members?limit=${membersMax}`, memberPage);
      const bad = members.items.filter(({ status }) => status === "failed" || status === "skipped");
      context.terminal.err(`\n${memberTable(context, bad)}`);
    }
  }
  return well ? exitCodes.done : exitCodes.operationFailed;
}

async function listFleets(context: Context, limit: string): Promise<number> {
  const page = await context.api().get(`/v1/fleets?limit=${readLimit(limit)}`, fleetPage);
  if (context.json) {
    context.printJson(page);
  } else if (page.items.length === 0) {
    context.out("No fleet commands yet.\n");
  } else {
    const rows = page.items.map(({ id, action, status, total, members, requestedBy, createdAt }) => [
      id,
      action,
      status,
      `${members.done + members.unchanged} of ${total}`,
      String(members.failed),
      requestedBy,
      age(createdAt, Date.now()),
    ]);
    context.out(table(["Id", "Action", "Status", "Done", "Failed", "By", "Age"], rows, context.paint));
  }
  return exitCodes.done;
}

async function showFleet(context: Context, id: string): Promise<number> {
  const api = context.api();
  const fleet = await api.get(`/v1/fleets/${encodeURIComponent(id)}`, fleetSchema);
  const members = await api.get(`/v1/fleets/${fleet.id}/members?limit=${membersMax}`, memberPage);
  if (context.json) {
    context.printJson({ fleet, members: members.items });
  } else {
    context.out(
      `${fleet.action} of ${fleet.total} is ${fleet.status}${fleet.endedAt === undefined ? ", at work" : ""}.\n\n`,
    );
    context.out(memberTable(context, members.items));
    if (members.next !== undefined) context.out(`The first ${membersMax} are shown; --json of the API has all.\n`);
  }
  return exitCodes.done;
}

async function cancelFleet(context: Context, id: string): Promise<number> {
  const fleet = await context.api().post(`/v1/fleets/${encodeURIComponent(id)}/cancel`, undefined, fleetSchema);
  if (context.json) context.printJson(fleet);
  else
    context.out(
      `${fleet.action} of ${fleet.total} is ${fleet.status}; ${fleet.members.running} at work are finished.\n`,
    );
  return exitCodes.done;
}

function memberTable({ paint }: Context, members: FleetMember[]): string {
  const rows = members.map(({ name, status, taskId, code, message }) => [
    paint.bold(name),
    code === undefined ? status : `${status} (${code})`,
    taskId,
    message === undefined ? undefined : harmless(message),
  ]);
  return table(["Name", "Result", "Task", "Why"], rows, paint);
}

function readCount(text: string): { count: number } {
  const count = readNumber("--count", text);
  if (count > 0) return { count };
  throw new ProvostError("invalid_request", "--count is 0: give the number of instances that are meant.", {
    field: "--count",
  });
}

function readNumber(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new ProvostError("invalid_request", `${option} is ${JSON.stringify(text)}: give a whole number.`, {
    field: option,
  });
}
