import { setTimeout as delay } from "node:timers/promises";
import {
  createdWebhookSchema,
  deliverySchema,
  exitCodes,
  pageSchema,
  ProvostError,
  usualEvents,
  webhookEvents,
  webhookSchema,
  type Delivery,
  type WebhookEvent,
} from "@provost/contract";
import type { Command } from "commander";
import { z } from "zod";
import { argument, collect, limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import { age, harmless } from "../output/words.ts";
import { readLimit } from "./instance.ts";

const webhookList = z.object({ items: z.array(webhookSchema) });
const deliveryPage = pageSchema(deliverySchema);
/** A test's one attempt ends well within this. */
const testLooks = { everyMs: 200, max: 150 } as const;

/** Adds `provost webhook …`. */
export function addWebhookCommands(program: Command, act: Act, called: string): void {
  const webhook = program.command("webhook").description("have another server told of what happens");
  webhook
    .command("add")
    .description("add a webhook and print its secret, this once")
    .argument("<name>", "what to call it")
    .argument("<address>", "https address that events are sent to")
    .option("--event <event>", `like instance.failed; can be repeated (${usualEvents.join(", ")})`, collect, [])
    .addHelpText(
      "after",
      examples(called, ["webhook add pager https://hooks.example.com/provost --event instance.failed"]),
    )
    .action(act((context, command) => addWebhook(context, command)));
  webhook
    .command("list")
    .description("webhooks, by name")
    .action(act((context) => listWebhooks(context)));
  webhook
    .command("test")
    .description("send a test and say what the receiver answered")
    .argument("<webhook>", "name, or id")
    .action(act((context, command) => testWebhook(context, argument(command))));
  webhook
    .command("remove")
    .description("remove a webhook; what is not delivered yet is given up")
    .argument("<webhook>", "name, or id")
    .action(act((context, command) => removeWebhook(context, argument(command))));
  webhook
    .command("deliveries")
    .description("what was sent, newest first, with the last answer")
    .argument("<webhook>", "name, or id")
    .option("--status <status>", "pending, delivered or failed")
    .option(...limitOption)
    .action(act((context, command) => listDeliveries(context, argument(command), command.opts())));
  webhook
    .command("redeliver")
    .description("send a delivery again")
    .argument("<webhook>", "name, or id")
    .argument("<delivery>", "id")
    .action(act((context, command) => redeliver(context, argument(command), argument(command, 1))));
}

/** The secret alone goes to standard output, so that a script can take it. */
async function addWebhook(context: Context, command: Command): Promise<number> {
  const events = command.opts<{ event: string[] }>().event.map(readEvent);
  const request = {
    name: argument(command),
    url: argument(command, 1),
    ...(events.length === 0 ? {} : { events }),
  };
  const made = await context.api().post("/v1/webhooks", request, createdWebhookSchema);
  if (context.json) {
    context.printJson(made);
    return exitCodes.done;
  }
  context.out(`${made.secret}\n`);
  context.terminal.err(
    `Webhook ${made.name} is told of ${made.events.join(", ")}. Its secret is shown this once; receivers check signatures with it.\nTry it: ${context.command} webhook test ${made.name}\n`,
  );
  return exitCodes.done;
}

async function listWebhooks(context: Context): Promise<number> {
  const answer = await context.api().get("/v1/webhooks", webhookList);
  if (context.json) {
    context.printJson(answer);
  } else if (answer.items.length === 0) {
    context.out(`Nobody is told. Add a webhook: ${context.command} webhook add --help\n`);
  } else {
    const now = Date.now();
    const rows = answer.items.map((each) => [
      context.paint.bold(each.name),
      each.url,
      each.events.join(", "),
      age(each.createdAt, now),
      each.id,
    ]);
    context.out(table(["Name", "Address", "Events", "Age", "Id"], rows, context.paint));
  }
  return exitCodes.done;
}

async function testWebhook(context: Context, ref: string): Promise<number> {
  const api = context.api();
  let delivery = await api.post(`${path(ref)}/test`, undefined, deliverySchema);
  for (let looks = 0; delivery.status === "pending" && looks < testLooks.max; looks += 1) {
    await delay(testLooks.everyMs, undefined, { signal: context.interrupted });
    delivery = await api.get(`${path(ref)}/deliveries/${delivery.id}`, deliverySchema);
  }
  if (context.json) context.printJson(delivery);
  else if (delivery.status === "delivered")
    context.out(`${context.paint.green("✓")} ${ref} has taken it: ${answered(delivery)}\n`);
  else context.terminal.err(`${context.paint.red("✗")} ${ref} has not taken it: ${answered(delivery)}\n`);
  return delivery.status === "delivered" ? exitCodes.done : exitCodes.operationFailed;
}

async function removeWebhook(context: Context, ref: string): Promise<number> {
  const webhook = await context.api().delete(path(ref), webhookSchema);
  if (context.json) context.printJson(webhook);
  else
    context.out(`${context.paint.green("✓")} Webhook ${context.paint.bold(webhook.name)} is told nothing any more.\n`);
  return exitCodes.done;
}

async function listDeliveries(
  context: Context,
  ref: string,
  options: { status?: string; limit: string },
): Promise<number> {
  const query = new URLSearchParams({ limit: readLimit(options.limit) });
  if (options.status !== undefined) query.set("status", options.status);
  const page = await context.api().get(`${path(ref)}/deliveries?${query.toString()}`, deliveryPage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  const { paint } = context;
  const now = Date.now();
  const rows = page.items.map((each) => [
    each.id,
    each.event,
    each.status === "delivered"
      ? paint.green(each.status)
      : each.status === "failed"
        ? paint.red(each.status)
        : paint.yellow(each.status),
    String(each.attempts),
    age(each.createdAt, now),
    answered(each),
  ]);
  context.out(table(["Delivery", "Event", "Status", "Attempts", "Age", "Last answer"], rows, paint));
  if (page.next !== undefined) context.out("There are more: --limit shows up to 500.\n");
  return exitCodes.done;
}

async function redeliver(context: Context, ref: string, id: string): Promise<number> {
  const delivery = await context
    .api()
    .post(`${path(ref)}/deliveries/${encodeURIComponent(id)}/redeliver`, undefined, deliverySchema);
  if (context.json) context.printJson(delivery);
  else context.out(`Sending ${delivery.event} again. See: ${context.command} webhook deliveries ${ref}\n`);
  return exitCodes.done;
}

function answered({ answer, status }: Delivery): string {
  if (answer === undefined) return status === "pending" ? "none yet" : "none";
  const text = harmless(answer.text).replace(/\s+/g, " ").trim().slice(0, 80);
  return [answer.status === undefined ? undefined : `HTTP ${answer.status}`, text || undefined]
    .filter(Boolean)
    .join(", ");
}

function readEvent(text: string): WebhookEvent {
  const event = webhookEvents.find((each) => each === text);
  if (event !== undefined) return event;
  throw new ProvostError("invalid_request", `--event is ${JSON.stringify(text)}: give ${webhookEvents.join(", ")}.`, {
    field: "--event",
  });
}

function path(ref: string): string {
  return `/v1/webhooks/${encodeURIComponent(ref)}`;
}
