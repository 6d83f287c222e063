import {
  exitCodes,
  instanceSchema,
  orphanPolicies,
  orphanSchema,
  pageSchema,
  ProvostError,
  providerSchema,
  sweepSchema,
  type Instance,
  type Orphan,
  type SweepView,
} from "@provost/contract";
import type { Command } from "commander";
import { z } from "zod";
import { argument, limitOption, type Act } from "../action.ts";
import type { Context } from "../context.ts";
import { examples } from "../help.ts";
import { table } from "../output/table.ts";
import { address, age, harmless } from "../output/words.ts";
import { path, readLimit } from "./instance.ts";

const orphanPage = pageSchema(orphanSchema);
const sweepList = z.object({ items: z.array(sweepSchema) });
const providerOption = ["--provider <name>", "which provider has it (provost provider list)"] as const;

interface OrphanOptions {
  provider?: string;
  name?: string;
  yes?: boolean;
}

/** Adds `provost orphan …`. */
export function addOrphanCommands(program: Command, act: Act, called: string): void {
  const orphan = program
    .command("orphan")
    .description("servers that carry this deployment's tag and are not known: see, adopt, destroy");
  orphan
    .command("list")
    .description("orphans, with their age and what they have cost")
    .option("--provider <name>", "only of this provider")
    .option("--after <page>", "go on where a page ended")
    .option(...limitOption)
    .addHelpText("after", examples(called, ["orphan list", "orphan list --provider linode --json"]))
    .action(act((context, command) => listOrphans(context, command.opts())));
  orphan
    .command("adopt")
    .description("make an orphan an instance again")
    .argument("<id>", "its id at the provider")
    .requiredOption(...providerOption)
    .option("--name <name>", "what to call it here (its name at the provider)")
    .action(act((context, command) => adopt(context, argument(command), command.opts())));
  orphan
    .command("destroy")
    .description("destroy an orphan")
    .argument("<id>", "its id at the provider")
    .requiredOption(...providerOption)
    .option("--yes", "do not ask")
    .action(act((context, command) => destroyOrphan(context, argument(command), command.opts())));
  orphan
    .command("policy")
    .description("say what is done by itself with a provider's orphans")
    .argument("<provider>", "which provider")
    .argument("<policy>", "none: nothing; ours: those with this deployment's tag are destroyed after a day")
    .action(act((context, command) => setPolicy(context, argument(command), argument(command, 1))));
}

/** Adds `provost instance adopt` and `provost instance release`. */
export function addAdoptionCommands(instance: Command, act: Act, called: string): void {
  instance
    .command("adopt")
    .description("make a server that is there already an instance, a failed one too")
    .argument("<id>", "its id at the provider")
    .requiredOption(...providerOption)
    .option("--name <name>", "what to call it here (its name at the provider)")
    .addHelpText("after", examples(called, ["instance adopt 60000017 --provider linode --name web-1"]))
    .action(act((context, command) => adopt(context, argument(command), command.opts())));
  instance
    .command("release")
    .description("close an instance's record and take our mark off its server, which stays")
    .argument("<instance>", "name, or id")
    .action(act((context, command) => release(context, argument(command))));
}

/** Adds `provost provider sweeps`. */
export function addSweepCommand(provider: Command, act: Act): void {
  provider
    .command("sweeps")
    .description("how far the sweep of each provider's instances is, and what the last took")
    .action(act((context) => listSweeps(context)));
}

async function listOrphans(
  context: Context,
  options: { provider?: string; after?: string; limit: string },
): Promise<number> {
  const query = new URLSearchParams({ limit: readLimit(options.limit) });
  if (options.provider !== undefined) query.set("provider", options.provider);
  if (options.after !== undefined) query.set("after", options.after);
  const page = await context.api().get(`/v1/orphans?${query.toString()}`, orphanPage);
  if (context.json) {
    context.printJson(page);
    return exitCodes.done;
  }
  if (page.items.length === 0) {
    context.out("No orphans.\n");
    return exitCodes.done;
  }
  const { command, paint } = context;
  const now = Date.now();
  const rows = page.items.map((each) => [
    paint.bold(each.providerId),
    harmless(each.name),
    each.destroying ? paint.yellow("destroying") : harmless(each.status),
    each.ipv4[0],
    each.provider,
    each.type,
    age(each.createdAt ?? each.firstSeenAt, now),
    cost(each),
  ]);
  context.out(table(["Id", "Name", "Status", "Address", "Provider", "Type", "Age", "Cost"], rows, paint));
  context.out(
    `\nThey are billed. Take one in: ${command} orphan adopt ID --provider NAME. End it: ${command} orphan destroy ID --provider NAME\n`,
  );
  if (page.next !== undefined) context.out(`There are more: --after ${page.next} goes on.\n`);
  return exitCodes.done;
}

function cost({ costUsd, monthlyUsd }: Orphan): string | undefined {
  return costUsd === undefined ? undefined : `$${costUsd.toFixed(2)} ($${monthlyUsd ?? 0} a month)`;
}

async function adopt(context: Context, providerId: string, { provider, name }: OrphanOptions): Promise<number> {
  const request = { provider, providerId, ...(name === undefined ? {} : { name }) };
  const instance = await context.api().post("/v1/instances/adopt", request, instanceSchema);
  if (context.json) context.printJson(instance);
  else context.out(`${context.paint.green("✓")} ${context.paint.bold(instance.name)} is adopted${where(instance)}.\n`);
  return exitCodes.done;
}

function where(instance: Instance): string {
  const at = address(instance);
  return at === undefined ? "" : ` (${at})`;
}

async function release(context: Context, ref: string): Promise<number> {
  const instance = await context.api().post(`${path(ref)}/release`, undefined, instanceSchema);
  if (context.json) context.printJson(instance);
  else {
    const id = instance.providerId === undefined ? "" : ` ${instance.providerId}`;
    context.out(
      `${context.paint.green("✓")} ${context.paint.bold(instance.name)} is released: the server${id} at ${instance.provider} stays, and is billed.\n`,
    );
  }
  return exitCodes.done;
}

async function destroyOrphan(context: Context, id: string, { provider = "", yes }: OrphanOptions): Promise<number> {
  if (yes !== true && !(await isSure(context, id, provider))) {
    context.terminal.err("Nothing was destroyed.\n");
    return exitCodes.failure;
  }
  const place = `/v1/orphans/${encodeURIComponent(provider)}/${encodeURIComponent(id)}`;
  const orphan = await context.api().delete(place, orphanSchema);
  if (context.json) context.printJson(orphan);
  else context.out(`Destroying ${harmless(orphan.name)} at ${provider}. It leaves the list when it is gone.\n`);
  return exitCodes.done;
}

async function isSure(context: Context, id: string, provider: string): Promise<boolean> {
  if (!context.terminal.isTty) {
    throw new ProvostError("invalid_request", `To destroy ${id} without being asked, add --yes.`, { field: "--yes" });
  }
  const answer = await context.terminal.ask(`Destroy the server ${id} at ${provider}, with all that is on it? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

async function setPolicy(context: Context, name: string, policy: string): Promise<number> {
  if (!orphanPolicies.some((each) => each === policy)) {
    throw new ProvostError(
      "invalid_request",
      `${JSON.stringify(policy)} is no policy: give ${orphanPolicies.join(" or ")}.`,
      {
        field: "policy",
      },
    );
  }
  const answer = await context
    .api()
    .send("PUT", `/v1/providers/${encodeURIComponent(name)}/orphan-policy`, { body: { policy } });
  const provider = providerSchema.parse(await answer.json());
  if (context.json) context.printJson(provider);
  else if (provider.orphans === "none") context.out(`Orphans at ${provider.name} are shown, and left alone.\n`);
  else context.out(`Orphans at ${provider.name} that carry this deployment's tag are destroyed after a day.\n`);
  return exitCodes.done;
}

async function listSweeps(context: Context): Promise<number> {
  const answer = await context.api().get("/v1/sweeps", sweepList);
  if (context.json) {
    context.printJson(answer);
    return exitCodes.done;
  }
  if (answer.items.length === 0) {
    context.out("Nothing was swept yet.\n");
    return exitCodes.done;
  }
  const now = Date.now();
  const rows = answer.items.map((each) => [
    context.paint.bold(each.provider),
    each.state,
    String(each.instances),
    String(each.pages),
    each.errors === 0 ? "0" : context.paint.red(String(each.errors)),
    complete(each, now),
    each.feedReadAt === undefined ? undefined : `${age(each.feedReadAt, now)} ago`,
  ]);
  const headings = ["Provider", "State", "Instances", "Pages", "Errors", "Last complete", "Feed read"];
  context.out(table(headings, rows, context.paint));
  return exitCodes.done;
}

function complete({ complete: last }: SweepView, now: number): string | undefined {
  if (last === undefined) return undefined;
  return `${age(last.endedAt, now)} ago: ${last.instances} in ${last.seconds.toFixed(1)} s`;
}
