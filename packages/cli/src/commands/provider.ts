import {
  catalogSchema,
  exitCodes,
  ProvostError,
  providerSchema,
  type Catalog,
  type ProviderRequest,
} from "@provost/contract";
import { z } from "zod";
import type { Context } from "../context.ts";
import { readCredential } from "../input-files.ts";
import { table } from "../output/table.ts";
import { age } from "../output/words.ts";

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

/** `provost provider catalog NAME [types|regions|images]`. */
export async function showCatalog(context: Context, name: string, part: string | undefined): Promise<number> {
  if (part !== undefined && !parts.some((each) => each === part)) {
    throw new ProvostError(
      "invalid_request",
      `"${part}" is no part of a catalog: give ${parts.join(", ")} or nothing.`,
      { field: "part" },
    );
  }
  const catalog = await context.api().get(`/v1/providers/${encodeURIComponent(name)}/catalog`, catalogSchema);
  const shown = parts.filter((each) => part === undefined || each === part);
  if (context.json) {
    context.printJson(Object.fromEntries(shown.map((each) => [each, catalog[each]])));
    return exitCodes.done;
  }
  context.out(shown.map((each) => catalogTable(context, catalog, each)).join("\n"));
  return exitCodes.done;
}

function catalogTable(context: Context, catalog: Catalog, part: (typeof parts)[number]): string {
  const { paint } = context;
  if (part === "types") {
    const rows = catalog.types.map(({ id, label, vcpus, memoryMb, diskGb, monthlyUsd }) => [
      paint.bold(id),
      String(vcpus),
      memoryMb % 1024 === 0 ? `${memoryMb / 1024} GB` : `${memoryMb} MB`,
      `${diskGb} GB`,
      monthlyUsd === undefined ? undefined : `$${monthlyUsd}`,
      label,
    ]);
    return table(["Type", "CPUs", "Memory", "Disk", "A month", "Label"], rows, paint);
  }
  if (part === "regions") {
    return table(
      ["Region", "Label"],
      catalog.regions.map(({ id, label }) => [paint.bold(id), label]),
      paint,
    );
  }
  return table(
    ["Image", "Kind", "Label"],
    catalog.images.map(({ id, kind, label }) => [paint.bold(id), kind, label]),
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
