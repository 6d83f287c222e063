import {
  exitCodes,
  instanceSchema,
  parseDuration,
  ProvostError,
  type DeployRequest,
  type Instance,
} from "@provost/contract";
import type { Api } from "../client/api.ts";
import { postOnce } from "../client/post-once.ts";
import type { Context } from "../context.ts";
import { deployEnds, goesOn, waitFor } from "../follow.ts";
import { readScript, readSshKeys } from "../input-files.ts";
import { failureReport } from "../output/failure-report.ts";
import { facts } from "../output/table.ts";
import { address, dollars, elapsed, shellWord } from "../output/words.ts";

export interface DeployOptions {
  provider: string;
  image?: string;
  type?: string;
  region?: string;
  sshKey: string[];
  tag: string[];
  script?: string;
  detach?: boolean;
  timeout?: string;
}

/** `provost deploy NAME`: asks for the instance and shows its stages until it is there or has failed. */
export async function deploy(context: Context, name: string, options: DeployOptions): Promise<number> {
  const timeoutMs = readTimeout(options.timeout);
  const request: DeployRequest = {
    name,
    provider: options.provider,
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(options.type === undefined ? {} : { type: options.type }),
    ...(options.image === undefined ? {} : { image: options.image }),
    sshKeys: readSshKeys(options.sshKey),
    ...(options.tag.length === 0 ? {} : { tags: options.tag }),
    ...(options.script === undefined ? {} : { script: readScript(options.script) }),
  };
  const api = context.api();
  const instance = await postOnce(context, api, "/v1/instances", request, instanceSchema);
  if (options.detach === true) return detached(context, instance);
  if (!context.json) {
    const { name: called, provider, type, image, region, monthlyUsd } = instance;
    const price = monthlyUsd === undefined ? "" : `, ${dollars(monthlyUsd)} a month`;
    context.out(`Deploying ${context.paint.bold(called)} on ${provider}: ${type}, ${image}, ${region}${price}\n`);
  }
  return awaitDeploy(context, api, instance, timeoutMs);
}

/** Shows the rest of a deploy's story; its exit code says how it ended. */
export async function awaitDeploy(context: Context, api: Api, instance: Instance, timeoutMs?: number): Promise<number> {
  let end: Instance;
  try {
    end = await waitFor(context, api, instance, { after: 0, ends: deployEnds, timeoutMs });
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
    context.terminal.err(goesOn(context, instance, "The deploy"));
    return exitCodes.interrupted;
  }
  return reportDeploy(context, end);
}

/** The end of a deploy, for people or for programs. */
export function reportDeploy(context: Context, instance: Instance): number {
  if (context.json) context.out(`${JSON.stringify({ instance })}\n`);
  if (instance.failure !== undefined || instance.status === "failed") {
    if (!context.json) context.terminal.err(failureReport(context, instance));
    return exitCodes.operationFailed;
  }
  if (instance.provisionedAt === undefined) {
    context.terminal.err(`\n${instance.name} is ${instance.status}: it was destroyed before it was ready.\n`);
    return exitCodes.operationFailed;
  }
  if (!context.json) context.out(success(context, instance));
  return exitCodes.done;
}

function success(context: Context, instance: Instance): string {
  const { paint, command } = context;
  const took = elapsed(Date.parse(instance.provisionedAt ?? instance.createdAt) - Date.parse(instance.createdAt));
  const where = address(instance) ?? "no address yet";
  const password =
    instance.rootPassword === "sealed"
      ? `  Root password, shown once: ${command} instance password ${instance.name}\n`
      : "";
  return `\n${paint.green("✓")} ${paint.bold(instance.name)} is ready at ${paint.bold(where)}, after ${took}.\n${password}`;
}

function detached(context: Context, instance: Instance): number {
  if (context.json) {
    context.out(`${JSON.stringify({ instance })}\n`);
    return exitCodes.done;
  }
  context.out(`Deploying ${context.paint.bold(instance.name)} on ${instance.provider}. Its id is ${instance.id}.\n`);
  context.out(
    facts([["Follow it", `${context.command} instance follow ${shellWord(instance.name)}`]], context.paint, "  "),
  );
  return exitCodes.done;
}

export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new ProvostError(
    "invalid_request",
    `--timeout is ${JSON.stringify(text)}: give a duration like 90s, 20m or 1h.`,
    {
      field: "--timeout",
    },
  );
}
