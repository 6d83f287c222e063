import {
  catalogSchema,
  exitCodes,
  ProvostError,
  providerDetailSchema,
  providerSchema,
  type Catalog,
  type ProviderDetail,
  type ProviderRequest,
} from "@provost/contract";
import { z } from "zod";
import type { Context } from "../context.ts";
import { readCredential } from "../input-files.ts";
import { facts, table } from "../output/table.ts";
import { age, elapsed, harmless } from "../output/words.ts";

const providerList = z.object({ items: z.array(providerSchema) });

/** `provost provider list`. */
export async function listProviders(context: Context): Promise<number> {
  const answer = await context.api().get("/v1/providers", providerList);
  if (context.json) {
    context.printJson(answer);
  } else if (answer.items.length === 0) {
    context.out(`No providers are set up. Add one: ${context.command} provider add --help\n`);
  } else {
    const now = Date.now();
    const rows = answer.items.map(({ name, driver, endpoint, defaults, createdAt }) => [
      context.paint.bold(name),
      driver,
      endpoint,
      defaults.region,
      defaults.type,
      defaults.image,
      age(createdAt, now),
    ]);
    context.out(table(["Name", "Driver", "Endpoint", "Region", "Type", "Image", "Age"], rows, context.paint));
  }
  return exitCodes.done;
}

export interface AddOptions {
  driver: string;
  endpoint?: string;
  credentialFile?: string;
  option: string[];
  region?: string;
  type?: string;
  image?: string;
  callbackUrl?: string;
}

/** `provost provider add`. */
export async function addProvider(context: Context, name: string, options: AddOptions): Promise<number> {
  const { region, type, image, endpoint, callbackUrl } = options;
  const token =
    options.credentialFile === undefined
      ? context.env["PROVOST_PROVIDER_TOKEN"]
      : readCredential(options.credentialFile);
  const request: ProviderRequest = {
    name,
    driver: options.driver,
    options: Object.fromEntries(options.option.map(pair)),
    defaults: {
      ...(region === undefined ? {} : { region }),
      ...(type === undefined ? {} : { type }),
      ...(image === undefined ? {} : { image }),
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(token === undefined || token === "" ? {} : { token }),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
  const provider = await context.api().post("/v1/providers", request, providerSchema);
  if (context.json) context.printJson(provider);
  else {
    context.out(
      `${context.paint.green("✓")} Provider ${context.paint.bold(provider.name)} is set up; its credentials work.\n  What it offers: ${context.command} provider catalog ${provider.name}\n`,
    );
  }
  return exitCodes.done;
}

const parts = ["types", "regions", "images"] as const;

/** `provost provider show NAME`: what it lets us do now (C11, C12). */
export async function showProvider(context: Context, name: string): Promise<number> {
  const provider = await context.api().get(path(name), providerDetailSchema);
  if (context.json) context.printJson(provider);
  else context.out(providerText(context, provider));
  return exitCodes.done;
}

/** `provost provider resume NAME`. */
export async function resumeProvider(context: Context, name: string): Promise<number> {
  const provider = await context.api().post(`${path(name)}/resume`, undefined, providerDetailSchema);
  const { bold, green } = context.paint;
  if (context.json) context.printJson(provider);
  else context.out(`${green("✓")} Instances on ${bold(name)} that look unwell are acted on.\n`);
  return exitCodes.done;
}

/** `provost provider catalog NAME [types|regions|images]`. */
export async function showCatalog(
  context: Context,
  name: string,
  part: string | undefined,
  options: { refresh?: boolean },
): Promise<number> {
  if (part !== undefined && !parts.some((each) => each === part)) {
    throw new ProvostError(
      "invalid_request",
      `"${part}" is no part of a catalog: give ${parts.join(", ")} or nothing.`,
      { field: "part" },
    );
  }
  const query = options.refresh === true ? "?refresh=true" : "";
  const catalog = await context.api().get(`${path(name)}/catalog${query}`, catalogSchema);
  const shown = parts.filter((each) => part === undefined || each === part);
  if (context.json) {
    const { asOf, stale } = catalog;
    context.printJson({ asOf, stale, ...Object.fromEntries(shown.map((each) => [each, catalog[each]])) });
    return exitCodes.done;
  }
  context.out(shown.map((each) => catalogTable(context, catalog, each)).join("\n"));
  if (catalog.stale !== undefined) {
    const old = age(catalog.asOf, Date.now());
    context.terminal.err(
      `${context.paint.yellow("!")} This is what ${name} said ${old} ago: ${harmless(catalog.stale)}\n`,
    );
  }
  return exitCodes.done;
}

function providerText({ paint, command }: Context, provider: ProviderDetail): string {
  const { name, defaults, budgets, circuits, brake } = provider;
  const now = Date.now();
  let text = facts(
    [
      ["Name", paint.bold(name)],
      ["Driver", provider.driver],
      ["Endpoint", provider.endpoint],
      ["Region", defaults.region],
      ["Type", defaults.type],
      ["Image", defaults.image],
      ["Callbacks to", provider.callbackUrl],
      ["Set up", provider.createdAt],
    ],
    paint,
  );
  if (budgets.length > 0) {
    const rows = budgets.map(({ group, limit, left, windowMs, resetAt, waiting, blockedUntil }) => [
      paint.bold(group),
      limit === undefined || left === undefined ? undefined : `${left} of ${limit}`,
      elapsed(windowMs),
      resetAt === undefined ? "now" : `in ${elapsed(Date.parse(resetAt) - now)}`,
      String(waiting),
      blockedUntil === undefined ? undefined : paint.yellow(`until ${blockedUntil}`),
    ]);
    text += `\n${table(["Calls", "Left", "Window", "All free", "Waiting", "Paused"], rows, paint)}`;
  }
  if (circuits.length === 0) text += `\nIt answers: nothing is waiting for it to come back.\n`;
  for (const { region, state, since, lastError } of circuits) {
    const where = region === "" ? name : `${name} in ${region}`;
    const what = state === "failing" ? "has failed lately" : `is not asked for now (circuit ${state})`;
    text += `\n${paint.yellow("!")} ${where} ${what}, since ${since}.\n`;
    if (lastError !== undefined)
      text += `  Last error: ${harmless(lastError.message)} ${paint.dim(`[${lastError.code}]`)}\n`;
  }
  if (brake !== undefined) {
    text += `\n${paint.red("✗")} Too many of its instances look unwell at once, since ${brake.since}: nothing is done about it until ${brake.until}.\n`;
    text += `  When you have looked and they should be failed: ${command} provider resume ${name}\n`;
  }
  return text;
}

function path(name: string): string {
  return `/v1/providers/${encodeURIComponent(name)}`;
}

function catalogTable(context: Context, catalog: Catalog, part: (typeof parts)[number]): string {
  const { paint } = context;
  if (part === "types") {
    const rows = catalog.types.map(({ id, label, vcpus, memoryMb, diskGb, monthlyUsd, hourlyUsd, soldOutIn }) => [
      paint.bold(id),
      String(vcpus),
      memoryMb % 1024 === 0 ? `${memoryMb / 1024} GB` : `${memoryMb} MB`,
      diskGb === 0 ? undefined : `${diskGb} GB`,
      monthlyUsd === undefined ? undefined : `$${monthlyUsd}`,
      hourlyUsd === undefined ? undefined : `$${hourlyUsd}`,
      soldOutIn === undefined ? label : `${label} (not in ${soldOutIn.join(", ")})`,
    ]);
    return table(["Type", "CPUs", "Memory", "Disk", "A month", "An hour", "Label"], rows, paint);
  }
  if (part === "regions") {
    return table(
      ["Region", "Label"],
      catalog.regions.map(({ id, label }) => [paint.bold(id), label]),
      paint,
    );
  }
  return table(
    ["Image", "Kind", "Needs", "Label"],
    catalog.images.map(({ id, kind, label, sizeMb }) => [
      paint.bold(id),
      kind,
      sizeMb === undefined ? undefined : `${sizeMb} MB`,
      label,
    ]),
    paint,
  );
}

function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ProvostError("invalid_request", `--option is ${JSON.stringify(text)}: give it as name=value.`, {
    field: "--option",
  });
}
